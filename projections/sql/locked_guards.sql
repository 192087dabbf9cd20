select
    g.order_id,
    -- The last attempt's: every attempt of an order makes the same one.
    o.state -> 'attempts' -> -1 ->> 'guard' as guard,
    g.lamports,
    g.since,
    g.not_before,
    g.obstacle,
    g.reclaim is not null as on_its_way
from guards as g
left join orders_v1 as o using (order_id)
where not g.returned and g.lamports is not null
order by g.since, g.order_id
limit %(limit)s
