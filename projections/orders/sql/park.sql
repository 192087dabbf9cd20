insert into parked (projection, order_id, "position", error)
select %(projection)s, *
from unnest(%(orders)s::uuid[], %(positions)s::bigint[], %(errors)s::text[])
on conflict do nothing
