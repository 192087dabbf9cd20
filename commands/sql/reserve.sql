-- An order that nobody has recorded yet may be asked for again with other terms.
insert into reservations as r (order_id, account_id, notional, reserved_at)
select order_id, %(account)s, notional, clock_timestamp()
from unnest(%(orders)s::uuid[], %(notionals)s::numeric[]) as new (order_id, notional)
on conflict (order_id) do update set notional = excluded.notional, reserved_at = excluded.reserved_at
