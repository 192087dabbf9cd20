-- Which orders were reserved for before, at what worth, what of it counts to today, and whether they are recorded by now.
select
    r.order_id,
    r.notional,
    case when r.reserved_at >= date_trunc('day', clock_timestamp(), 'UTC') then r.notional else 0 end,
    exists (select from events as e where e.stream_id = r.order_id)
from reservations as r
where r.order_id = any(%(orders)s)
