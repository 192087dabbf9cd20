update guards as g
set not_before = p.until, obstacle = p.obstacle, since = p.since
from unnest(%(orders)b::uuid[], %(until)b::timestamptz[], %(obstacles)b::text[], %(since)b::timestamptz[])
    as p(order_id, until, obstacle, since)
where g.order_id = p.order_id and g.reclaim is null
