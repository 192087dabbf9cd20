insert into doubts (order_id, attempt, reason, forever) values (%(order)s, %(attempt)s, %(reason)s, %(forever)s)
on conflict (order_id, attempt) do update
  set reason = excluded.reason, forever = excluded.forever, checked_at = clock_timestamp()
  where doubts.reason <> excluded.reason or doubts.checked_at < clock_timestamp() - interval '5 seconds'
