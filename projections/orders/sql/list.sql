select order_id, account_id, state::text, version, submitted_at, updated_at, "position", first_position
from orders_v1
where account_id = %(account)s
  and (%(status)s::text is null or status = %(status)s)
  and (%(before)s::bigint is null or first_position < %(before)s)
order by first_position desc
limit %(limit)s
