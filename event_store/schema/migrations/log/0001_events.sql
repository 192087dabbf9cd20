-- The log, the only truth. Rows are only ever added, by append() alone.
create table events (
    stream_id      uuid        not null,
    version        bigint      not null check (version >= 0),
    event_id       uuid        not null unique,
    topic          text        not null,
    state          bytea       not null,
    account_id     uuid        not null,
    command_id     uuid        not null,
    correlation_id uuid        not null,
    causation_id   uuid,
    position       bigint      not null unique,
    recorded_at    timestamptz not null,
    hash           bytea       not null,
    primary key (stream_id, version)
);

-- One row: where the log ends. Whoever appends holds it, so positions are gapless and appear in their order.
create table log_head (
    one         boolean     primary key default true check (one),
    position    bigint      not null,
    recorded_at timestamptz not null,
    hash        bytea       not null
) with (fillfactor = 10);

insert into log_head (position, recorded_at, hash) values (0, '-infinity', '');

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% on % is refused: what happened is never changed', tg_op, tg_table_name
        using errcode = 'insufficient_privilege';
end $$;

create trigger events_are_immutable before update or delete or truncate on events
    for each statement execute function refuse_change();
create trigger log_head_stays before delete or truncate on log_head
    for each statement execute function refuse_change();

-- Always: they fire in a session that plays a replica, too.
alter table events enable always trigger events_are_immutable;
alter table log_head enable always trigger log_head_stays;
