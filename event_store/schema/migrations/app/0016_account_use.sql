-- What an account's orders take of its limits, added up: an order that fits within these is reserved for in one statement.
create table account_use (
    account_id     uuid        primary key,
    open_orders    bigint      not null,
    open_notional  numeric     not null,
    notional_today numeric     not null,
    day            date        not null,
    settled_at     timestamptz not null
) with (fillfactor = 50);
comment on table account_use is 'What the orders of accounts with limits take of them together: never less than it is.';
comment on column account_use.account_id is 'The account.';
comment on column account_use.open_orders is 'Open orders, with those that have ended since it was settled.';
comment on column account_use.open_notional is 'What the open ones are worth, in USDC.';
comment on column account_use.notional_today is 'What was taken on that day, in USDC.';
comment on column account_use.day is 'The day, UTC.';
comment on column account_use.settled_at is 'When it was last counted anew; long ago where it has to be before the next order.';
