-- Which slice of a TWAP is submitted next, and when. Process state, never facts: the log says what was submitted. A row is
-- written before its list is recorded, and goes once its last slice was submitted, so whatever goes on has one.
create table twap_schedule (
    list_id    uuid        primary key,
    account_id uuid        not null,
    next_slice integer     not null default 1,
    due_at     timestamptz not null,
    look_at    timestamptz not null,
    asked_at   timestamptz not null default clock_timestamp()
) with (fillfactor = 70);
create index twap_schedule_by_look on twap_schedule (look_at);
create index twap_schedule_of on twap_schedule (account_id);
comment on table twap_schedule is 'The TWAPs that are not through, and the slice of each that is submitted next.';
comment on column twap_schedule.list_id is 'The list; its stream begins after this row was written.';
comment on column twap_schedule.account_id is 'Whose list it is.';
comment on column twap_schedule.next_slice is 'The number of the slice that is submitted next, from 1 on.';
comment on column twap_schedule.due_at is 'When that slice is due.';
comment on column twap_schedule.look_at is 'When the list is looked at next: when its slice is due, or sooner or later where something stands in its way.';
comment on column twap_schedule.asked_at is 'When the row was written; one whose list never came is dropped later.';
comment on index twap_schedule_by_look is 'Finds what is to be looked at.';
comment on index twap_schedule_of is 'Finds what an account has going on.';
