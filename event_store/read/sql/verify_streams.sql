-- No Python datetime is beyond the years 1 to 9999: such an instant is brought within, and verify_links names it.
select
    stream_id, version, event_id, topic, state, account_id, command_id, correlation_id, causation_id,
    "position", least(greatest(recorded_at, '0001-01-02 00:00+00'), '9999-12-30 00:00+00') as recorded_at, hash
from events
order by stream_id, version
