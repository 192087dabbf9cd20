-- Orders that have ended count no more; neither do rows whose order never came: what was sent of it is long decided.
with ended as (
    update reservations as r set is_open = false
    where r.account_id = %(account)s and r.is_open
      and exists (select from events as e where e.stream_id = r.order_id and e.topic = any(%(ends)s))
)
delete from reservations as r
where r.account_id = %(account)s
  and (
    (r.is_open and r.reserved_at < clock_timestamp() - interval '10 minutes'
        and not exists (select from events as e where e.stream_id = r.order_id))
    or (not r.is_open and r.reserved_at < date_trunc('day', clock_timestamp(), 'UTC') - interval '1 day')
  )
