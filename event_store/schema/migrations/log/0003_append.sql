-- The only way into the log: many requests in one statement, an outcome for each, in their order.
-- Parallel arrays, one element an event (or a guard); ``requests`` says which request it belongs to.

create function lock_log() returns void
language plpgsql security definer set search_path from current as $$
begin
    perform from log_head for update;
end $$;

create function store(
    requests int[], stream_ids uuid[], versions bigint[], event_ids uuid[], topics text[], states bytea[],
    account_ids uuid[], command_ids uuid[], correlation_ids uuid[], causation_ids uuid[],
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
            causation_ids
        ) with ordinality as e (
            request, stream_id, version, event_id, topic, state, account_id, command_id, correlation_id, causation_id, n
        )
    ),
    written as materialized (
        select w.*, last.version as current, last.hash
        from (
            select request, stream_id, min(version) as first, max(version) as last, min(n) as n
            from event group by request, stream_id
        ) as w
        left join lateral (
            select version, hash from events as x
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
    account_ids uuid[], command_ids uuid[], correlation_ids uuid[], causation_ids uuid[],
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
        causation_ids, guard_requests, guard_streams, guard_versions,
        coalesce(lost_requests, '{}'), coalesce(lost_processors, '{}')
    );
end $$;

revoke all on function
    lock_log(),
    store(
        int[], uuid[], bigint[], uuid[], text[], bytea[], uuid[], uuid[], uuid[], uuid[], int[], uuid[], bigint[],
        int[], text[]
    ),
    append(
        int[], uuid[], bigint[], uuid[], text[], bytea[], uuid[], uuid[], uuid[], uuid[], int[], uuid[], bigint[],
        int[], text[], bigint[]
    )
from public;
