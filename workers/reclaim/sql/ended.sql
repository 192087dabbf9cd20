-- An order that ended. Its row is there already where the same events are dealt with once more.
insert into guards (order_id, account_id, since, lamports, largest)
select order_id, account_id, since, lamports, %(largest)s
from unnest(%(orders)b::uuid[], %(accounts)b::uuid[], %(since)b::timestamptz[], %(lamports)b::bigint[])
    as ended(order_id, account_id, since, lamports)
on conflict (order_id) do update
set since = greatest(guards.since, excluded.since),
    lamports = coalesce(excluded.lamports, guards.lamports)
