-- The streams' events of one kind, each stream by its index.
select e.stream_id, e.state
from unnest(%(streams)b::uuid[]) as wanted (stream_id)
cross join lateral (
    select stream_id, state from events as x where x.stream_id = wanted.stream_id and x.topic = %(topic)b
) as e
