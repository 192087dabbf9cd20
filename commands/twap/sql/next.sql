select list_id, account_id, next_slice, due_at, look_at, asked_at from twap_schedule order by look_at limit %(limit)s
