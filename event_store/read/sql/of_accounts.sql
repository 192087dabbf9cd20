select
    stream_id, version, event_id, topic, state, account_id, command_id, correlation_id, causation_id,
    "position", recorded_at, hash
from events
where topic like 'account.%%' and topic = any(%(topics)s)
order by "position"
