-- The newest events of open orders in a window of the log that no work row stands for: none, or one that is behind.
select e.stream_id, e.version, e.topic
from events e
where e.position > %(after)s and e.position <= %(upto)s and e.topic = any(%(topics)s)
  and not exists (select from events n where n.stream_id = e.stream_id and n.version = e.version + 1)
  and not exists (
    select from work w where w.order_id = e.stream_id and (w.stage = 'track' or w.version >= e.version)
  )
