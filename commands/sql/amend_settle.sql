-- Amendments that the log has decided: recorded, or something else in their place; neither comes of those that are long
-- past. What rises counts to the day of the amendment, what falls to that of the order.
with decided as (
    delete from amended_reservations as a
    where a.account_id = %(account)s
      and (
        exists (select from events as e where e.stream_id = a.order_id and e.version = a.version)
        or a.asked_at < clock_timestamp() - interval '10 minutes'
      )
    returning a.*
), recorded as (
    -- Of one order the last that was recorded.
    select distinct on (d.order_id) d.*
    from decided as d
    join events as e on e.stream_id = d.order_id and e.version = d.version and e.command_id = d.command_id
    order by d.order_id, d.version desc
)
insert into reservations as r (order_id, account_id, notional, reserved_at)
select order_id, account_id, notional, asked_at from recorded
on conflict (order_id) do update
set notional = excluded.notional,
    reserved_at = case when excluded.notional > r.notional then excluded.reserved_at else r.reserved_at end
