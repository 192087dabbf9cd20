select c.oid, c.relname, obj_description(c.oid, 'pg_class')
from pg_class as c
where c.relnamespace = %(schema)s::regnamespace and c.relkind = 'r'
order by c.relname
