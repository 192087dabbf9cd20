-- Orders that may have an attempt without a guard that hasn't ended: of those the read model knows as open, of those it
-- has set aside, and of whatever the log has past its position. Their events say whether they do.
select order_id from orders_v1
where status in ('pending', 'routing', 'building', 'submitted')
  and jsonb_path_exists(state, '$.attempts[*] ? (@.end == null && !exists(@.guard))')
union
select order_id from dead_letters where processor = 'projector:orders_v1'
union
select stream_id from events
where topic = %(topic)s
  and "position" > coalesce((select "position" from positions where processor = 'projector:orders_v1'), 0)
  and convert_from(state, 'UTF8')::jsonb -> 'data' ->> 'guard' is null
