-- One wallet an account, one account a wallet: the first engine of a log fixes it.
with claimed as (
  update accounts set wallet = %(wallet)s where id = %(account)s and wallet is null returning wallet
)
select coalesce((select wallet from claimed), (select wallet from accounts where id = %(account)s))
