-- Orders whose newest event is one after which an order may wait for a price.
select e.stream_id
from events e
where e.topic = any(%(topics)s)
  and not exists (select from events n where n.stream_id = e.stream_id and n.version = e.version + 1)
