-- Orders that ended after a position, counted from there: never the whole log.
select
    count(*),
    count(*) filter (where topic <> 'order.OrderConfirmed'),
    coalesce(extract(epoch from max(recorded_at)), 0)::float8,
    coalesce(max("position"), %(position)s)
from events
where "position" > %(position)s and topic in ('order.OrderConfirmed', 'order.OrderFailed')
