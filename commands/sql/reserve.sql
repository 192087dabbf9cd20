insert into reservations (order_id, account_id, notional, reserved_at)
select order_id, %(account)s, notional, clock_timestamp()
from unnest(%(orders)s::uuid[], %(notionals)s::numeric[]) as new (order_id, notional)
