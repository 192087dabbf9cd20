-- What falls is worth no more than before, wherever the market has gone since. Orders that exclude each other count as
-- the larger one: by an amendment none of them takes less, as another may be worth all of it, nor more than they lack.
with taken as (
    select
        coalesce(sum(r.notional) filter (where r.order_id = %(order)s), 0) as own,
        coalesce(sum(r.notional) filter (where r.order_id <> %(order)s), 0) as others
    from reservations as r
    where r.order_id = %(order)s or r.order_id = any(%(sharing)s::uuid[])
)
insert into amended_reservations (command_id, order_id, account_id, version, notional, asked_at)
select
    %(command)s, %(order)s, %(account)s, %(version)s,
    case
        when cardinality(%(sharing)s::uuid[]) > 0 and %(falls)s then t.own
        when cardinality(%(sharing)s::uuid[]) > 0 then greatest(t.own, %(notional)s - t.others)
        when %(falls)s then least(%(notional)s, t.own)
        else %(notional)s
    end,
    clock_timestamp()
from taken as t
