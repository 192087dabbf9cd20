-- One that is a dead letter already keeps its time, and what was decided of it; an order that was discarded stays so.
insert into dead_letters as p (processor, order_id, version, "position", error, attempts, discarded)
select
    %(processor)s, l.*,
    exists (select from dead_letters d where d.order_id = l.order_id and d.discarded and not starts_with(%(processor)s, 'projector:'))
from unnest(
    %(orders)s::uuid[], %(versions)s::bigint[], %(positions)s::bigint[], %(errors)s::text[], %(attempts)s::int[]
) as l (order_id, version, "position", error, attempts)
on conflict (processor, order_id) do update
set version = excluded.version, "position" = excluded."position", error = excluded.error,
    attempts = p.attempts + excluded.attempts
-- No row version before it: it is new.
returning order_id, xmax = 0
