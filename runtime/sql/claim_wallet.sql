-- One wallet an account, one account a wallet: the first engine of a log fixes it, and every process that starts
-- beside it reads what the first wrote, for the update waits for it.
update accounts set wallet = coalesce(wallet, %(wallet)s) where id = %(account)s returning wallet
