select list_id from twap_schedule where account_id = %(account)s order by asked_at
