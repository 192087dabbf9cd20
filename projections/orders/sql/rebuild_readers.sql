-- Who has the lock that the swap waits for.
select coalesce(nullif(activity.application_name, ''), activity.backend_type, 'a session') || ' (PostgreSQL process ' || pid || ')'
from pg_locks
join pg_stat_activity as activity using (pid)
where relation = 'orders_v1'::regclass and granted and pid <> pg_backend_pid()
order by activity.backend_start
limit 1
