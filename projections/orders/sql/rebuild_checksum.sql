-- How many rows, and one sum of them all with what is set aside: over a sum of each order, in the order of their ids,
-- by 256 shares of them, as no value may grow beyond bounds. The binary form says where each column ends.
with seen as (
    select
        order_id,
        o.order_id is not null as has_row,
        sha256(coalesce(record_send(o), '') || coalesce(record_send(aside), '')) as sum
    from {table} as o
    full join (select order_id, "position", error from dead_letters where processor = %(processor)s) as aside
        using (order_id)
),
share as (
    select
        get_byte(uuid_send(order_id), 15) as number,
        count(*) filter (where has_row) as rows,
        sha256(string_agg(sum, ''::bytea order by order_id)) as sum
    from seen
    group by number
)
select coalesce(sum(rows), 0)::bigint, encode(sha256(coalesce(string_agg(sum, ''::bytea order by number), '')), 'hex')
from share
