insert into work (order_id, stage, version, due_at, tries)
select order_id, stage, version, clock_timestamp() + delay * interval '1 millisecond', tries
from unnest(%(orders)b::uuid[], %(stages)b::text[], %(versions)b::bigint[], %(delays)b::int[], %(tries)b::int[])
  as s(order_id, stage, version, delay, tries)
on conflict (order_id, stage) do update
  set version = excluded.version, due_at = excluded.due_at, tries = excluded.tries
  where work.version < excluded.version
