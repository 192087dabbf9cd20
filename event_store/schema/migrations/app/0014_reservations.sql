-- What an account's limits are counted by: a row is written before its order is, in the account's turn, so that what
-- several processes take together never exceeds them.
create table reservations (
    order_id    uuid        primary key,
    account_id  uuid        not null,
    notional    numeric     not null,
    reserved_at timestamptz not null,
    is_open     boolean     not null default true
) with (fillfactor = 70);
create index reservations_open on reservations (account_id) where is_open;
create index reservations_by_day on reservations (account_id, reserved_at);
comment on table reservations is 'What the orders of accounts with limits take of them.';
comment on column reservations.order_id is 'The order; its stream begins after this row was written.';
comment on column reservations.account_id is 'Whose order it is.';
comment on column reservations.notional is 'What it is worth in USDC, as it was taken; 0 where nothing is limited by it.';
comment on column reservations.reserved_at is 'When it was reserved; it counts to that day, UTC.';
comment on column reservations.is_open is 'Whether the order hasn''t ended, as far as was looked.';
comment on index reservations_open is 'Counts an account''s open orders.';
comment on index reservations_by_day is 'Sums what an account has taken on a day.';
