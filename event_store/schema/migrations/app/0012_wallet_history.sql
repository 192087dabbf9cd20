-- How far the wallet's transactions were compared with the log. It lies beside the log and is put back with it: what it
-- says was compared was compared with what that log has.
create table wallet_history (
    account_id   uuid        primary key,
    begun        bigint      not null default 0,
    completed    bigint      not null default 0,
    completed_at timestamptz,
    "position"   bigint      not null default 0,
    marks        jsonb       not null default '{}'
) with (fillfactor = 20);
comment on table wallet_history is
    'How far each account''s transactions on the chain were compared with the log, which must know those that succeeded.';
comment on column wallet_history.account_id is 'The account whose wallet it is.';
comment on column wallet_history.begun is 'How many comparisons have begun.';
comment on column wallet_history.completed is 'The newest comparison that found nothing unknown, by its number.';
comment on column wallet_history.completed_at is 'When that one ended.';
comment on column wallet_history."position" is 'Where the log ended before that one began.';
comment on column wallet_history.marks is
    'By endpoint, its host: signature and slot of the newest finalized transaction that was compared.';
