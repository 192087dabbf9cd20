-- Asked again, it waits anew for what whoever asks is about to record, and is looked at again. Never before what is
-- recorded already, though the clock was stepped back.
insert into twap_schedule (list_id, account_id, due_at, look_at, asked_at)
select %(list)s, %(account)s, %(due)s, %(due)s, greatest(clock_timestamp(), recorded_at) from log_head
on conflict (list_id) do update set asked_at = excluded.asked_at, look_at = excluded.look_at
