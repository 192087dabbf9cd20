-- What an order takes of its account's limits once an amendment is recorded: written before that is, so that what several
-- processes let through together never exceeds them; the log says afterwards whether it was recorded.
create table amended_reservations (
    command_id uuid        primary key,
    order_id   uuid        not null,
    account_id uuid        not null,
    version    integer     not null,
    notional   numeric     not null,
    asked_at   timestamptz not null
);
create index amended_reservations_of on amended_reservations (account_id);
comment on table amended_reservations is 'What orders of accounts with limits will take of them, once they are amended.';
comment on column amended_reservations.command_id is 'The command whose event amends the order.';
comment on column amended_reservations.order_id is 'The order.';
comment on column amended_reservations.account_id is 'Whose order it is.';
comment on column amended_reservations.version is 'The version of the order that the event would have; another there means that it was refused.';
comment on column amended_reservations.notional is 'What the order is worth in USDC with its new terms.';
comment on column amended_reservations.asked_at is 'When it was reserved; where the worth rises it counts to that day, UTC.';
comment on index amended_reservations_of is 'Finds what an account has amended and not settled.';
