select
    stream_id, version, event_id, topic, state, account_id, command_id, correlation_id, causation_id,
    "position", recorded_at, hash
from events
where stream_id = %(stream)s and (%(upto)s::bigint is null or version <= %(upto)s)
order by version
