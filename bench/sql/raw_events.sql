-- The log's columns and its three unique indexes, without its rules: as little as a table of events can be.
create table raw_events (
    stream_id      uuid        not null,
    version        bigint      not null,
    event_id       uuid        not null unique,
    topic          text        not null,
    state          bytea       not null,
    account_id     uuid        not null,
    command_id     uuid        not null,
    correlation_id uuid        not null,
    causation_id   uuid,
    position       bigint      generated always as identity unique,
    recorded_at    timestamptz not null default clock_timestamp(),
    hash           bytea       not null default '\x00000000000000000000000000000000000000000000000000000000000000ff',
    primary key (stream_id, version)
)
