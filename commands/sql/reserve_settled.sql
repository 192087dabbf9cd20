-- An amendment that isn't decided may come to less: while there is one, whoever is next counts anew.
update account_use
set open_orders = %(open_orders)s,
    open_notional = %(open_notional)s,
    notional_today = %(notional_today)s,
    day = %(day)s,
    settled_at = case
        when exists (select from amended_reservations where account_id = %(account)s) then '-infinity'
        else clock_timestamp()
    end
where account_id = %(account)s
