-- Asked again, it waits for its list anew: whoever asks is about to record it.
insert into twap_schedule (list_id, account_id, due_at, look_at)
values (%(list)s, %(account)s, %(due)s, %(due)s)
on conflict (list_id) do update set asked_at = clock_timestamp()
