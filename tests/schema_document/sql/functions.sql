select
    p.proname, pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid), p.prokind::text,
    obj_description(p.oid, 'pg_proc')
from pg_proc as p
where p.pronamespace = %(schema)s::regnamespace
order by p.proname
