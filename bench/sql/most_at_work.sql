-- The most orders that were on their way at once: begun and not yet ended, of those recorded after a position.
with steps as (
    select recorded_at, case topic when 'order.OrderSubmitted' then 1 else -1 end as step
    from events
    where "position" > %(position)s
      and topic in ('order.OrderSubmitted', 'order.OrderConfirmed', 'order.OrderFailed')
)
select coalesce(max(at_work), 0)::int
from (select sum(step) over (order by recorded_at, step) as at_work from steps) as counted
