-- The history of one order again and again, as other orders': what it says is the same, ids, positions and hashes are
-- not. The hashes are no chain: nothing here is ever verified.
with template as materialized (
    select * from events where stream_id = %(template)s
),
orders as materialized (
    select n, uuidv7() as stream_id, uuidv7() as command_id from generate_series(1, %(orders)s) as n
),
head as (
    select "position", greatest(recorded_at, clock_timestamp()) as recorded_at from log_head
)
insert into events (
    stream_id, version, event_id, topic, state, account_id, command_id, correlation_id, causation_id, "position",
    recorded_at, hash
)
select
    o.stream_id, t.version, uuidv7(), t.topic, t.state, t.account_id, o.command_id, o.command_id, null,
    head.position + (o.n - 1) * (select count(*) from template) + t.version, head.recorded_at,
    sha256(int8send(head.position + o.n) || uuid_send(o.stream_id))
from orders as o
cross join template as t
cross join head
order by o.n, t.version
