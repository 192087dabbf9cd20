select tgname, pg_get_triggerdef(oid, true), obj_description(oid, 'pg_trigger')
from pg_trigger
where tgrelid = %(table)s and not tgisinternal
order by tgname
