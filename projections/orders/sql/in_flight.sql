-- Orders a transaction of which may land, or is about to be built: of an account, or routed to a venue, or all.
select order_id
from orders_v1
where status in ('building', 'submitted')
  and (%(account)s::uuid is null or account_id = %(account)s)
  and (%(venue)s::text is null or lower(state -> 'route' -> 'chosen' ->> 'venue') = lower(%(venue)s))
order by first_position
