-- Open orders, with those that were taken while nothing was limited; what was taken today; what the open ones are worth;
-- and today. An order that is being amended counts as what it is worth before or after, whichever is more.
select
    (select count(*) from reservations where account_id = %(account)s and is_open)
    + (
        select count(*) from orders_v1 as o
        where o.account_id = %(account)s and o.status in ('pending', 'routing', 'building', 'submitted')
          and not exists (select from reservations as r where r.order_id = o.order_id)
    ),
    coalesce((
        select sum(notional) from reservations
        where account_id = %(account)s and reserved_at >= date_trunc('day', clock_timestamp(), 'UTC')
    ), 0)
    + coalesce((
        select sum(more)
        from (
            select max(
                case
                    when a.notional <= coalesce(r.notional, 0) then 0
                    when r.reserved_at >= date_trunc('day', clock_timestamp(), 'UTC') then a.notional - r.notional
                    else a.notional
                end
            ) as more
            from amended_reservations as a
            left join reservations as r on r.order_id = a.order_id
            where a.account_id = %(account)s
            group by a.order_id
        ) as amended
    ), 0),
    coalesce((select sum(notional) from reservations where account_id = %(account)s and is_open), 0)
    + coalesce((
        select sum(more)
        from (
            select max(greatest(a.notional - coalesce(r.notional, 0), 0)) as more
            from amended_reservations as a
            left join reservations as r on r.order_id = a.order_id
            where a.account_id = %(account)s and coalesce(r.is_open, true)
            group by a.order_id
        ) as amended
    ), 0),
    (clock_timestamp() at time zone 'UTC')::date
