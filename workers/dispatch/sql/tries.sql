-- How often each order's work was tried, and whether it is a dead letter of a stage.
select
    o.order_id, coalesce(max(w.tries), 0),
    exists (select from dead_letters d where d.order_id = o.order_id and d.processor = any(%(stages)b))
from unnest(%(orders)b::uuid[]) as o (order_id)
left join work w using (order_id)
group by o.order_id
