insert into work (order_id, stage, version, due_at, tries)
select order_id, stage, version, clock_timestamp() + delay * interval '1 millisecond', tries
from unnest(%(orders)s::uuid[], %(stages)s::text[], %(versions)s::bigint[], %(delays)s::int[], %(tries)s::int[])
  as s(order_id, stage, version, delay, tries)
on conflict (order_id, stage) do update
  set version = excluded.version, due_at = excluded.due_at, tries = excluded.tries
  where work.version < excluded.version
