-- The orders that the two tables, or what they set aside, don't tell alike: how many in all, and of the first of them
-- where; the names of columns and of the state's fields, never a value.
with live as (
    select order_id, o, aside
    from orders_v1 as o
    full join (select order_id, "position", error from dead_letters where processor = 'projector:orders_v1') as aside
        using (order_id)
),
rebuilt as (
    select order_id, o, aside
    from orders_v1_rebuilt as o
    full join (select order_id, "position", error from dead_letters where processor = 'projector:orders_v1_rebuilt') as aside
        using (order_id)
),
differing as (
    select
        order_id, live.o as old, rebuilt.o as new, live.aside as old_aside, rebuilt.aside as new_aside,
        count(*) over () as orders
    from live
    full join rebuilt using (order_id)
    where record_send(live.o) is distinct from record_send(rebuilt.o)
        or record_send(live.aside) is distinct from record_send(rebuilt.aside)
    order by order_id
    limit %(most)s
)
select
    orders,
    order_id,
    (old).order_id is not null,
    (new).order_id is not null,
    array(
        select key
        from jsonb_each(to_jsonb(old) - 'state') as a
        full join jsonb_each(to_jsonb(new) - 'state') as b using (key)
        where a.value::text is distinct from b.value::text
        order by key
    ) || array(
        select 'state.' || key
        from jsonb_each(case jsonb_typeof((old).state) when 'object' then (old).state else '{}' end) as a
        full join jsonb_each(case jsonb_typeof((new).state) when 'object' then (new).state else '{}' end) as b
            using (key)
        where a.value::text is distinct from b.value::text
        order by key
    ),
    (old_aside).order_id is not null,
    (new_aside).order_id is not null,
    record_send(old_aside) is distinct from record_send(new_aside)
from differing
order by order_id
