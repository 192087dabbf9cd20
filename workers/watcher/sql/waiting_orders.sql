-- Where the log ends, and every order that may wait for a price then: those that do in the read model, those that began
-- to past its position, and those it has set aside. One row without an order where there is none. One statement, thus
-- one snapshot, taken after the table's lock: a rebuild may put another table in its place.
select log_head."position", waiting.order_id
from log_head
left join (
  select order_id from orders_v1 where status = 'pending'
  union
  select e.stream_id from events e
  where e.topic = any(%(topics)s)
    and e."position" > coalesce((select "position" from positions where processor = 'projector:orders_v1'), 0)
    -- True of every event: a range with two ends is what the planner takes to be short, whatever it knows of the table.
    and e."position" <= (select "position" from log_head)
  union
  select d.order_id from dead_letters d
  where d.processor = 'projector:orders_v1'
    and (select e.topic from events e where e.stream_id = d.order_id order by e.version desc limit 1) = any(%(topics)s)
) as waiting on true
