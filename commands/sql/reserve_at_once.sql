-- All of them where they fit, whatever has ended since the account's use was settled: until then it only errs upwards.
-- It needn't be on disk before an order's own events are, and these are written behind it: one is never there alone.
with unhurried as (
    select set_config('synchronous_commit', 'off', true)
),
room as (
    update account_use as u
    set open_orders = u.open_orders + %(count)s,
        open_notional = u.open_notional + %(worth)s,
        notional_today = u.notional_today + %(worth)s
    where u.account_id = %(account)s
      and u.settled_at > statement_timestamp() - interval '1 second'
      and u.day = (statement_timestamp() at time zone 'UTC')::date
      and (%(most_orders)s::bigint is null or u.open_orders + %(count)s <= %(most_orders)s::bigint)
      and (%(most_open)s::numeric is null or u.open_notional + %(worth)s <= %(most_open)s::numeric)
      and (%(most_today)s::numeric is null or u.notional_today + %(worth)s <= %(most_today)s::numeric)
    returning u.account_id
)
insert into reservations (order_id, account_id, notional, reserved_at)
select new.order_id, room.account_id, new.notional, statement_timestamp()
from room, unhurried, unnest(%(orders)s::uuid[], %(notionals)s::numeric[]) as new (order_id, notional)
