-- One at a time for each account, in whichever process.
insert into account_use (account_id, open_orders, open_notional, notional_today, day, settled_at)
values (%(account)s, 0, 0, 0, '-infinity', '-infinity')
on conflict (account_id) do update set account_id = excluded.account_id
