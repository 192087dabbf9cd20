select stream_id, version, topic, state, "position"
from events
where "position" >= %(first)s::bigint and "position" <= %(last)s::bigint
    and (cardinality(%(topics)s::text[]) = 0 or topic = any(%(topics)s::text[]))
order by "position"
limit %(limit)s
