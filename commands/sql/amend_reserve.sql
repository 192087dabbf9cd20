-- What falls is worth no more than before, wherever the market has gone since.
insert into amended_reservations (command_id, order_id, account_id, version, notional, asked_at)
select
    %(command)s, %(order)s, %(account)s, %(version)s,
    case when %(falls)s then least(%(notional)s, coalesce(min(r.notional), 0)) else %(notional)s end,
    clock_timestamp()
from reservations as r
where r.order_id = %(order)s
