-- The newest events of orders on their way, as the read model has them, that no work row stands for: none, or one that
-- is behind. Newer events than "upto" are left out: their rows are about to be written.
select newest.stream_id, newest.version, newest.topic
from orders_v1 o
cross join lateral (
  select e.stream_id, e.version, e.topic, e."position" from events e
  where e.stream_id = o.order_id
  order by e.version desc limit 1
) as newest
where o.status in ('routing', 'building', 'submitted')
  and not exists (
    select from work w where w.order_id = o.order_id and (w.stage = 'track' or w.version >= o.version)
  )
  and newest."position" <= %(upto)s and newest.topic = any(%(topics)s)
limit %(limit)s
