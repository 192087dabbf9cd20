-- Primary keys, unique, check and foreign keys; whether a column may be null stands with the column.
select conname, pg_get_constraintdef(oid, true)
from pg_constraint
where conrelid = %(table)s and contype in ('p', 'u', 'c', 'f')
order by contype <> 'p', conname
