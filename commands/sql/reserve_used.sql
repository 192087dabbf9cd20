-- Open orders, with those that were taken while nothing was limited, and what was taken today.
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
