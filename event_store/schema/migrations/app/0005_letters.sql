-- Not a read model alone: the stages, the tracker and the watcher set aside too, what they cannot read or what fails
-- again and again. ``position`` is that of the event that cannot be handled, where it is one event's fault.
alter table parked rename column projection to processor;
update parked set processor = 'projector:' || processor;
alter table parked
    alter column "position" drop not null,
    add column version bigint,
    add column attempts int not null default 1,
    add column since timestamptz not null default clock_timestamp(),
    -- Set aside for good by an operator: it comes up no more, and is no letter any more.
    add column discarded boolean not null default false;
update parked set version = e.version from events as e where e."position" = parked."position";
update parked set version = 0 where version is null;
alter table parked alter column version set not null;
create index parked_by_order on parked (order_id);
