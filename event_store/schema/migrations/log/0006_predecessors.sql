-- An append compares the event that its writer decided on, not its version alone. A log that was put back to an earlier
-- moment reaches the same versions again, with other events; who still remembers the lost ones must not go on with them.
-- previous_ids has an element for each event: the event id before it in its stream, or null where its writer doesn't say.
-- Only that of a stream's first event in a request is compared.

drop function append_straight(
    uuid[], bigint[], uuid[], text[], bytea[], uuid[], uuid[], uuid[], uuid[], uuid[], bigint[], text[], bigint[]
);
drop function store_straight(
    uuid[], bigint[], uuid[], text[], bytea[], uuid[], uuid[], uuid[], uuid[], uuid[], bigint[]
);
drop function append(
    int[], uuid[], bigint[], uuid[], text[], bytea[], uuid[], uuid[], uuid[], uuid[], int[], uuid[], bigint[],
    int[], text[], bigint[]
);
drop function store(
    int[], uuid[], bigint[], uuid[], text[], bytea[], uuid[], uuid[], uuid[], uuid[], int[], uuid[], bigint[],
    int[], text[]
);

create function store(
    requests int[], stream_ids uuid[], versions bigint[], event_ids uuid[], topics text[], states bytea[],
    account_ids uuid[], command_ids uuid[], correlation_ids uuid[], causation_ids uuid[], previous_ids uuid[],
    guard_requests int[], guard_streams uuid[], guard_versions bigint[],
    lost_requests int[], lost_processors text[]
)
returns table (request int, outcome text, "position" bigint, stream_id uuid, current bigint, processor text)
language plpgsql security definer
set search_path from current
-- A plan made while the log was small must not scan it when it is large.
set enable_seqscan = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
    head log_head%rowtype;
    now_ timestamptz;
begin
    -- An order a client was told about survives the machine, whatever the session chose.
    if current_setting('synchronous_commit') in ('off', 'local') then
        perform set_config('synchronous_commit', 'on', true);
    end if;
    select * into strict head from log_head for update;
    now_ := greatest(clock_timestamp(), head.recorded_at);

    if exists (
        select from (
            select version - min(version) over stream as distance, row_number() over (stream order by n) - 1 as place
            from unnest(requests, stream_ids, versions) with ordinality as e (request, stream_id, version, n)
            window stream as (partition by request, stream_id)
        ) as e
        where distance <> place
    ) then
        raise 'the versions of a stream do not follow one another' using errcode = 'check_violation';
    end if;
    -- They would be judged by the same stored versions, so the second could not see the first.
    if exists (
        select from (
            select request, stream_id, true as writes from unnest(requests, stream_ids) as e (request, stream_id)
            union all
            select request, stream_id, false from unnest(guard_requests, guard_streams) as g (request, stream_id)
        ) as touched
        group by stream_id
        having bool_or(writes) and min(request) <> max(request)
    ) then
        raise 'two requests of one statement touch the same stream' using errcode = 'cardinality_violation';
    end if;

    return query
    with event as materialized (
        select *
        from unnest(
            requests, stream_ids, versions, event_ids, topics, states, account_ids, command_ids, correlation_ids,
            causation_ids, previous_ids
        ) with ordinality as e (
            request, stream_id, version, event_id, topic, state, account_id, command_id, correlation_id, causation_id,
            previous_id, n
        )
    ),
    written as materialized (
        select w.*, last.version as current, last.hash, last.event_id
        from (
            select
                request, stream_id, min(version) as first, max(version) as last, min(n) as n,
                (array_agg(previous_id order by n))[1] as previous_id
            from event group by request, stream_id
        ) as w
        left join lateral (
            select version, hash, event_id from events as x
            where x.stream_id = w.stream_id order by version desc limit 1
        ) as last on true
    ),
    guarded as materialized (
        select g.*, coalesce((
            select version from events as x where x.stream_id = g.stream_id order by version desc limit 1
        ), 0) as current
        from unnest(guard_requests, guard_streams, guard_versions) with ordinality as g (request, stream_id, expected, n)
    ),
    -- All its events are there under their event ids: an earlier send of it was committed and its answer lost.
    already as (
        select e.request, max(x.position) as position
        from event as e
        join (select request from written group by request having bool_and(current >= last)) as r using (request)
        left join lateral (
            select position from events as x
            where x.stream_id = e.stream_id and x.version = e.version and x.event_id = e.event_id
        ) as x on true
        group by e.request
        having bool_and(x.position is not null)
    ),
    lost as (
        select distinct on (request) request, processor
        from unnest(lost_requests, lost_processors) as l (request, processor)
        order by request, processor
    ),
    conflict as (
        select distinct on (request) request, stream_id, current
        from (
            -- A stream begins at 1, or at 0 where the eventsourcing library wrote it.
            select request, stream_id, coalesce(current, 0) as current, 0 as kind, n from written
            where coalesce(current, least(first, 1) - 1) <> first - 1
            -- The same version, and another event than the writer decided on: the log was put back meanwhile.
            or event_id <> previous_id
            union all
            select request, stream_id, current, 1, n from guarded where current <> expected
        ) as c
        order by request, kind, n
    ),
    verdict as materialized (
        select
            r.request,
            case
                when a.request is not null then 'already'
                when l.request is not null then 'lease_lost'
                when c.request is not null then 'conflict'
                else 'stored'
            end as outcome,
            a.position, c.stream_id, c.current, l.processor
        from (select distinct request from event) as r
        left join already as a using (request)
        left join lost as l using (request)
        left join conflict as c using (request)
    ),
    fresh as materialized (
        select
            e.*,
            head.position + row_number() over (order by e.n) as position,
            event_chain(
                coalesce(w.hash, ''),
                event_body(
                    e.stream_id, e.version, e.event_id, e.topic, e.state, e.account_id, e.command_id, e.correlation_id,
                    e.causation_id
                )
            ) over (partition by e.stream_id order by e.n rows unbounded preceding) as hash
        from event as e
        join verdict as v using (request)
        join written as w on w.request = e.request and w.stream_id = e.stream_id
        where v.outcome = 'stored'
    ),
    inserted as (
        insert into events
        select
            stream_id, version, event_id, topic, state, account_id, command_id, correlation_id, causation_id, position,
            now_, hash
        from fresh
        order by position
    ),
    moved as (
        update log_head as h
        set position = f.position, recorded_at = now_, hash = f.hash
        from (
            select max(position) as position, log_chain(head.hash, position, now_, hash order by position) as hash
            from fresh
        ) as f
        where f.position is not null
    )
    select
        v.request,
        v.outcome,
        coalesce(v.position, f.position),
        case when v.outcome = 'conflict' then v.stream_id end,
        case when v.outcome = 'conflict' then v.current end,
        case when v.outcome = 'lease_lost' then v.processor end
    from verdict as v
    left join (select request, max(position) as position from fresh group by request) as f using (request)
    order by v.request;
end $$;

-- Runs as its caller: the leases are the application's own, and whatever the application owns must never run with the
-- rights of the log's owner. Looked at under the log's lock, a lease that held then held before any later append.
create function append(
    requests int[], stream_ids uuid[], versions bigint[], event_ids uuid[], topics text[], states bytea[],
    account_ids uuid[], command_ids uuid[], correlation_ids uuid[], causation_ids uuid[], previous_ids uuid[],
    guard_requests int[], guard_streams uuid[], guard_versions bigint[],
    lease_requests int[], lease_processors text[], lease_epochs bigint[]
)
returns table (request int, outcome text, "position" bigint, stream_id uuid, current bigint, processor text)
language plpgsql as $$
#variable_conflict use_column
declare
    lost_requests int[];
    lost_processors text[];
begin
    perform lock_log();
    if cardinality(lease_requests) > 0 then
        select array_agg(g.request), array_agg(g.processor) into lost_requests, lost_processors
        from unnest(lease_requests, lease_processors, lease_epochs) as g (request, processor, epoch)
        where not exists (
            select from leases as l
            where l.processor = g.processor and l.epoch = g.epoch and l.expires_at > clock_timestamp()
        );
    end if;
    return query select * from store(
        requests, stream_ids, versions, event_ids, topics, states, account_ids, command_ids, correlation_ids,
        causation_ids, previous_ids, guard_requests, guard_streams, guard_versions,
        coalesce(lost_requests, '{}'), coalesce(lost_processors, '{}')
    );
end $$;

create function store_straight(
    stream_ids uuid[], versions bigint[], event_ids uuid[], topics text[], states bytea[],
    account_ids uuid[], command_ids uuid[], correlation_ids uuid[], causation_ids uuid[], previous_ids uuid[],
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
    last_id uuid;
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
            last_id := null;
            chain := null;
            select x.version, x.event_id, x.hash into last_version, last_id, chain from events as x
            where x.stream_id = stream order by x.version desc limit 1;
            -- A stream begins at 1, or at 0 where the eventsourcing library wrote it.
            if coalesce(last_version, least(versions[i], 1) - 1) <> versions[i] - 1 then
                return;
            end if;
            -- The same version, and another event than the writer decided on: the log was put back meanwhile.
            if last_id <> previous_ids[i] then
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
    account_ids uuid[], command_ids uuid[], correlation_ids uuid[], causation_ids uuid[], previous_ids uuid[],
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
        previous_ids, guard_streams, guard_versions
    ) as s;
end $$;

revoke all on function
    store(
        int[], uuid[], bigint[], uuid[], text[], bytea[], uuid[], uuid[], uuid[], uuid[], uuid[], int[], uuid[],
        bigint[], int[], text[]
    ),
    append(
        int[], uuid[], bigint[], uuid[], text[], bytea[], uuid[], uuid[], uuid[], uuid[], uuid[], int[], uuid[],
        bigint[], int[], text[], bigint[]
    ),
    store_straight(
        uuid[], bigint[], uuid[], text[], bytea[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], bigint[]
    ),
    append_straight(
        uuid[], bigint[], uuid[], text[], bytea[], uuid[], uuid[], uuid[], uuid[], uuid[], uuid[], bigint[], text[],
        bigint[]
    )
from public;

comment on function append is
    'The only way into the log: stores many requests in one statement and answers each of them. Checks the leases '
    'with the caller''s rights, then calls store().';
comment on function store is
    'With the rights of the log''s owner: decides for each request whether it is stored, was stored already, '
    'conflicts or has lost its lease, and inserts what is to be stored.';
comment on function store_straight is
    'The log''s part of append_straight(): stores every event of the statement, or nothing and answers null.';
comment on function append_straight is
    'The straight way into the log: every request is stored, or none and the answer is null, where one conflicts.';
