insert into uncertainties (order_id, attempt, reason, permanent) values (%(order)s, %(attempt)s, %(reason)s, %(permanent)s)
on conflict (order_id, attempt) do update
  set reason = excluded.reason, permanent = excluded.permanent, checked_at = clock_timestamp()
  where uncertainties.reason <> excluded.reason
    -- Written five seconds ago, or before the clock stepped back.
    or uncertainties.checked_at not between clock_timestamp() - interval '5 seconds' and clock_timestamp()
