-- Each stream by itself, by its index, however many they are and whatever the planner thinks of them.
select e.*
from unnest(%(streams)b::uuid[], %(after)b::bigint[]) as wanted (stream_id, version)
cross join lateral (
    select
        stream_id, version, event_id, topic, state, account_id, command_id, correlation_id, causation_id,
        "position", recorded_at, hash
    from events as x
    where x.stream_id = wanted.stream_id and x.version > wanted.version
    order by version
) as e
order by e.stream_id, e.version
