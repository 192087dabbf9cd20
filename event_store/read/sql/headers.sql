select stream_id, version, topic, "position"
from events
where "position" > %(after)s::bigint and "position" <= %(after)s::bigint + %(limit)s::bigint
order by "position"
