-- The guards whose rent has not come back, and those whose rent has: written by whoever reclaims, as it follows the log.
create table guards (
    order_id   uuid        primary key,
    account_id uuid        not null,
    since      timestamptz not null,
    lamports   bigint,
    largest    int         not null,
    not_before timestamptz,
    obstacle   text,
    reclaim    uuid,
    returned   boolean     not null default false
) with (fillfactor = 70);
-- What is due is found at the beginning of one of the first two, however many guards there are and were.
create index guards_by_since on guards (since) where reclaim is null and not_before is null;
create index guards_postponed on guards (not_before) where reclaim is null and not_before is not null;
create index guards_on_their_way on guards (reclaim) where reclaim is not null and not returned;

comment on table guards is
    'The guards of orders that ended: which of them lock rent, and whose rent has come back. It can be derived again '
    'from the log at any time.';
comment on column guards.order_id is 'The order that ended.';
comment on column guards.account_id is 'The account it belongs to.';
comment on column guards.since is 'When its end was recorded, or the last event after it: GUARD_KEEP counts from here.';
comment on column guards.lamports is
    'What lies in the guard as far as the log says; null where it isn''t known whether there is one.';
comment on column guards.largest is 'Of how many guards a reclaim may be that closes it: halved with each that fails.';
comment on column guards.not_before is 'Until when it is left alone, where something else than GUARD_KEEP stands in its way.';
comment on column guards.obstacle is 'What stands in the way of closing it.';
comment on column guards.reclaim is 'The stream of the reclaim that closes it, or has closed it.';
comment on column guards.returned is 'Whether its rent has come back.';
comment on index guards_by_since is 'The guards that wait for the end of GUARD_KEEP, the oldest first.';
comment on index guards_postponed is 'The guards that something else stands in the way of, by when they are looked at.';
comment on index guards_on_their_way is 'The guards of reclaims that may still land.';
