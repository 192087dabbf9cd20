-- When each order of a run was recorded and when its first send was, as Unix time.
select
    stream_id,
    extract(epoch from min(recorded_at) filter (where topic = 'order.OrderSubmitted'))::float8 as submitted_at,
    extract(epoch from min(recorded_at) filter (where topic = 'order.TransactionSubmitted'))::float8 as sent_at
from events
where "position" > %(position)s and topic in ('order.OrderSubmitted', 'order.TransactionSubmitted')
group by stream_id
having count(*) >= 2
