-- What each table, column, function and trigger of the log is for; docs/schema.md is made from it.
comment on table events is
    'The log: every event of every stream, in the order in which they were stored. Rows are only ever added, by '
    'append().';
comment on column events.stream_id is 'The stream the event belongs to: an order, or an account''s own stream.';
comment on column events.version is
    'The event''s number within its stream, without gaps from 1 (from 0 where the eventsourcing library wrote the '
    'stream).';
comment on column events.event_id is 'Chosen by whoever appends: an append that is sent again is recognised by it.';
comment on column events.topic is 'The kind of event, for example order.OrderSubmitted.';
comment on column events.state is 'JSON, {"v": version of the event''s model, "data": {...}}; the database never reads it.';
comment on column events.account_id is 'The account in whose name it happened.';
comment on column events.command_id is 'The command that led to it; events of one command share it.';
comment on column events.correlation_id is 'The first command of the order: all events of an order share it.';
comment on column events.causation_id is 'The event before it in its order; null for an order''s first, and in an account''s own streams.';
comment on column events.position is 'The event''s number within the whole log, without gaps from 1.';
comment on column events.recorded_at is
    'When it was stored, by the database''s clock; it never goes back from one position to the next.';
comment on column events.hash is
    'sha256 over the hash of the event before it in its stream and the event''s columns, position and recorded_at '
    'apart.';

comment on table log_head is
    'One row: where the log ends. Every append locks it, so that positions have no gaps and become visible in their '
    'order.';
comment on column log_head.one is 'Always true: the key that keeps the table at one row.';
comment on column log_head.position is 'The position of the last event; 0 in an empty log.';
comment on column log_head.recorded_at is 'The recorded_at of the last event; -infinity in an empty log.';
comment on column log_head.hash is
    'The running sha256 over position, recorded_at and hash of every event; empty in an empty log.';

comment on table migrations is 'The migrations of this schema that have run.';
comment on column migrations.number is 'The number its file''s name begins with; they run in this order.';
comment on column migrations.name is 'The file''s name without its ending.';
comment on column migrations.applied_at is 'When it ran.';

comment on function append is
    'The only way into the log: stores many requests in one statement and answers each of them. Checks the leases '
    'with the caller''s rights, then calls store().';
comment on function store is
    'With the rights of the log''s owner: decides for each request whether it is stored, was stored already, '
    'conflicts or has lost its lease, and inserts what is to be stored.';
comment on function lock_log is
    'Takes the lock on log_head with the rights of the log''s owner; it lasts until the transaction ends.';
comment on function refuse_change is 'Raises an error: what the triggers call.';
comment on function event_body is 'The bytes of an event that its hash covers, each part with its length before it.';
comment on function next_event_hash is
    'The step of event_chain: the hash of one event from the hash before it in its stream.';
comment on aggregate event_chain(bytea, bytea) is 'The hashes of a stream''s new events, one after another.';
comment on function next_log_hash is 'The step of log_chain: the log''s running hash after one event.';
comment on aggregate log_chain(bytea, bigint, timestamptz, bytea) is 'The log''s running hash after some new events.';

comment on trigger events_are_immutable on events is 'Refuses every update, delete and truncate.';
comment on trigger log_head_stays on log_head is 'Refuses delete and truncate.';
