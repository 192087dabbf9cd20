-- One wallet an account, one account a wallet: the table refuses another's wallet. An account keeps the one it has.
insert into accounts as a (id, wallet) values (%(account)s, %(wallet)s)
on conflict (id) do update set wallet = coalesce(a.wallet, excluded.wallet)
returning wallet
