insert into guards (order_id, account_id, since, lamports, largest, reclaim)
select order_id, %(account)s, %(since)s, lamports, %(largest)s, %(reclaim)s
from unnest(%(orders)b::uuid[], %(lamports)b::bigint[]) as built(order_id, lamports)
on conflict (order_id) do update
set reclaim = excluded.reclaim, lamports = excluded.lamports, not_before = null, obstacle = null
where not guards.returned
