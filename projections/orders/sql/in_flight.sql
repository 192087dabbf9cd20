-- Orders a transaction of which may land, or is about to be built: of an account, or by a venue, or all. By a venue: the
-- newest route leads there, or that of another attempt that may still land.
select order_id
from orders_v1
where status in ('building', 'submitted')
  and (%(account)s::uuid is null or account_id = %(account)s)
  and (
    %(venue)s::text is null
    or lower(state -> 'route' -> 'chosen' ->> 'venue') = lower(%(venue)s)
    or exists (
      select from jsonb_array_elements(state -> 'attempts') as attempt
      where attempt ->> 'end' is null and lower(attempt -> 'quote' ->> 'venue') = lower(%(venue)s)
    )
  )
order by first_position
