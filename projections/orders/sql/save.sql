insert into {table} as o
    (order_id, account_id, status, version, "position", submitted_at, updated_at, first_position, state)
select *
from unnest(
    %(order_ids)s::uuid[], %(account_ids)s::uuid[], %(statuses)s::text[], %(versions)s::int[], %(positions)s::bigint[],
    %(submitted)s::timestamptz[], %(updated)s::timestamptz[], %(first_positions)s::bigint[], %(states)b::text[]::jsonb[]
)
on conflict (order_id) do update
set status = excluded.status,
    version = excluded.version,
    "position" = excluded."position",
    updated_at = excluded.updated_at,
    state = excluded.state
where excluded.version > o.version
