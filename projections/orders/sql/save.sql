insert into {table} as o
    (order_id, account_id, status, version, "position", submitted_at, updated_at, first_position, state)
select *
from unnest(
    %(order_ids)b::uuid[], %(account_ids)b::uuid[], %(statuses)b::text[], %(versions)b::int[], %(positions)b::bigint[],
    %(submitted)b::timestamptz[], %(updated)b::timestamptz[], %(first_positions)b::bigint[], %(states)b::text[]::jsonb[]
)
on conflict (order_id) do update
set status = excluded.status,
    version = excluded.version,
    "position" = excluded."position",
    updated_at = excluded.updated_at,
    state = excluded.state
where excluded.version > o.version
