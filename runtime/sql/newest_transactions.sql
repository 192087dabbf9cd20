-- The newest transactions, up to a hundred: of the orders of which the read model knows one, of those it has set aside,
-- and of whatever the log has past its position. Without it the log would be read back to the newest transaction, which
-- may be as far as to its beginning.
with signed as (
  (
    select order_id from orders_v1
    where (state -> 'attempts') <> '[]'::jsonb
    order by first_position desc limit 100
  )
  union
  (select order_id from dead_letters where processor = 'projector:orders_v1' limit 100)
)
select state
from (
  (
    select e.state, e."position"
    from events e
    where e.topic = %(topic)s
      and e."position" > coalesce((select "position" from positions where processor = 'projector:orders_v1'), 0)
    order by e."position" desc limit 100
  )
  union all
  select newest.state, newest."position"
  from signed
  cross join lateral (
    select e.state, e."position" from events e
    where e.stream_id = signed.order_id and e.topic = %(topic)s
    order by e.version desc limit 1
  ) as newest
) as built
order by "position" desc limit 100
