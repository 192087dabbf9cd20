-- An account's orders that have not ended, the oldest first, as the log has it: those that are open in the read model,
-- those that began past its position, and those it has set aside. Some may have ended meanwhile. One statement, thus one
-- snapshot, taken after the table's lock: a rebuild may put another table in its place.
select order_id
from (
  select order_id, first_position from orders_v1
  where account_id = %(account)s and status in ('pending', 'routing', 'building', 'submitted')
  union
  select e.stream_id, e."position" from events e
  where e.version = 1
    and e.account_id = %(account)s
    and e.topic = %(begun)s
    and e."position" > coalesce((select "position" from positions where processor = 'projector:orders_v1'), 0)
    -- True of every event: a range with two ends is what the planner takes to be short, whatever it knows of the table.
    and e."position" <= (select "position" from log_head)
  union
  select d.order_id, e."position" from dead_letters d
  join events e on e.stream_id = d.order_id and e.version = 1
  where d.processor = 'projector:orders_v1' and e.account_id = %(account)s
) as open
order by first_position
