-- The straight way into the log: every request of the statement is new and nothing it guards has moved, so the whole
-- statement is stored. Where anything is otherwise nothing is stored and the answer is null: then the caller sends the
-- same through append(), which tells each request its outcome. Both lock the log first, compute the same hashes, and
-- may be mixed freely.

-- An event id is compared where a stream's version is found. Nothing looks an event up by its id, and an index over
-- random ids cost more than a third of an append.
alter table events drop constraint events_event_id_key;

create function store_straight(
    stream_ids uuid[], versions bigint[], event_ids uuid[], topics text[], states bytea[],
    account_ids uuid[], command_ids uuid[], correlation_ids uuid[], causation_ids uuid[],
    guard_streams uuid[], guard_versions bigint[],
    out "position" bigint, out recorded_at timestamptz
)
language plpgsql security definer
set search_path from current
-- A plan made while the log was small must not scan it when it is large.
set enable_seqscan = off
as $$
#variable_conflict use_column
declare
    head log_head%rowtype;
    now_ timestamptz;
    stream uuid;
    last_version bigint;
    chain bytea;
    running bytea;
    hashes bytea[];
    count int := cardinality(stream_ids);
begin
    -- An order a client was told about survives the machine, whatever the session chose.
    if current_setting('synchronous_commit') in ('off', 'local') then
        perform set_config('synchronous_commit', 'on', true);
    end if;
    select * into strict head from log_head for update;
    for i in 1 .. cardinality(guard_streams) loop
        -- What this very statement writes could not be seen by the guard.
        if guard_streams[i] = any(stream_ids) then
            return;
        end if;
        last_version := null;
        select x.version into last_version from events as x
        where x.stream_id = guard_streams[i] order by x.version desc limit 1;
        if coalesce(last_version, 0) <> guard_versions[i] then
            return;
        end if;
    end loop;

    now_ := greatest(clock_timestamp(), head.recorded_at);
    running := head.hash;
    for i in 1 .. count loop
        if stream_ids[i] is distinct from stream then
            stream := stream_ids[i];
            last_version := null;
            chain := null;
            select x.version, x.hash into last_version, chain from events as x
            where x.stream_id = stream order by x.version desc limit 1;
            -- A stream begins at 1, or at 0 where the eventsourcing library wrote it.
            if coalesce(last_version, least(versions[i], 1) - 1) <> versions[i] - 1 then
                return;
            end if;
            chain := coalesce(chain, '');
        elsif versions[i] <> versions[i - 1] + 1 then
            return;
        end if;
        chain := sha256(
            '\x0000000101'::bytea || int4send(octet_length(chain)) || chain
            || event_body(
                stream, versions[i], event_ids[i], topics[i], states[i], account_ids[i], command_ids[i],
                correlation_ids[i], causation_ids[i]
            )
        );
        hashes[i] := chain;
        running := next_log_hash(running, null, head.position + i, now_, chain);
    end loop;

    insert into events
    select
        e.stream_id, e.version, e.event_id, e.topic, e.state, e.account_id, e.command_id, e.correlation_id,
        e.causation_id, head.position + e.n, now_, e.hash
    from unnest(
        stream_ids, versions, event_ids, topics, states, account_ids, command_ids, correlation_ids, causation_ids,
        hashes
    ) with ordinality as e (
        stream_id, version, event_id, topic, state, account_id, command_id, correlation_id, causation_id, hash, n
    );
    update log_head set position = head.position + count, recorded_at = now_, hash = running;
    position := head.position + count;
    recorded_at := now_;
end $$;

-- Runs as its caller, as append() does, for the same reason.
create function append_straight(
    stream_ids uuid[], versions bigint[], event_ids uuid[], topics text[], states bytea[],
    account_ids uuid[], command_ids uuid[], correlation_ids uuid[], causation_ids uuid[],
    guard_streams uuid[], guard_versions bigint[],
    lease_processors text[], lease_epochs bigint[],
    out "position" bigint, out recorded_at timestamptz
)
language plpgsql as $$
begin
    -- A statement of its own: leases, guards and versions are read after it, and so as they are under the lock.
    perform lock_log();
    if cardinality(lease_processors) > 0 and exists (
        select from unnest(lease_processors, lease_epochs) as g (processor, epoch)
        where not exists (
            select from leases as l
            where l.processor = g.processor and l.epoch = g.epoch and l.expires_at > clock_timestamp()
        )
    ) then
        return;
    end if;
    select s.position, s.recorded_at into position, recorded_at from store_straight(
        stream_ids, versions, event_ids, topics, states, account_ids, command_ids, correlation_ids, causation_ids,
        guard_streams, guard_versions
    ) as s;
end $$;

revoke all on function
    store_straight(
        uuid[], bigint[], uuid[], text[], bytea[], uuid[], uuid[], uuid[], uuid[], uuid[], bigint[]
    ),
    append_straight(
        uuid[], bigint[], uuid[], text[], bytea[], uuid[], uuid[], uuid[], uuid[], uuid[], bigint[], text[], bigint[]
    )
from public;

comment on function store_straight is
    'The log''s part of append_straight(): stores every event of the statement, or nothing and answers null.';
comment on function append_straight is
    'The straight way into the log: every request is stored, or none and the answer is null, where one conflicts.';
