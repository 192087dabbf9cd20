-- The newest event of each stream, by its index.
select e.*
from unnest(%(streams)b::uuid[]) as wanted (stream_id)
cross join lateral (
    select
        stream_id, version, event_id, topic, state, account_id, command_id, correlation_id, causation_id,
        "position", recorded_at, hash
    from events as x
    where x.stream_id = wanted.stream_id
    order by version desc
    limit 1
) as e
