select begun.stream_id
from events begun
where begun.version = 1 and begun.topic = %(begun)s
  and not exists (select from events e where e.stream_id = begun.stream_id and e.topic = any(%(ends)s))
order by begun."position"
