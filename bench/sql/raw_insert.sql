insert into raw_events (
    stream_id, version, event_id, topic, state, account_id, command_id, correlation_id, causation_id
)
select *
from unnest(
    %b::uuid[], %b::bigint[], %b::uuid[], %b::text[], %b::bytea[], %b::uuid[], %b::uuid[], %b::uuid[], %b::uuid[]
)
