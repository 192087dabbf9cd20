select stream_id, version, topic, state
from events
where stream_id = %(stream)s and version > %(gt)s::bigint and version <= %(lte)s::bigint
order by case when %(desc)s then -version else version end
limit %(limit)s
