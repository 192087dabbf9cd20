-- Those that no constraint makes.
select c.relname, pg_get_indexdef(i.indexrelid, 0, true), obj_description(c.oid, 'pg_class')
from pg_index as i
join pg_class as c on c.oid = i.indexrelid
where i.indrelid = %(table)s and not exists (select from pg_constraint where conindid = i.indexrelid)
order by c.relname
