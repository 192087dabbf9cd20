-- Whoever waits for this lock holds up every reader behind him, and whoever holds it all of them: neither for long,
-- working or paused. The table first: a projector's transaction in flight ends before, and none comes in between.
set local lock_timeout = '200ms';
set local idle_in_transaction_session_timeout = '2s';
lock table orders_v1 in access exclusive mode;
select from positions where processor = 'projector:orders_v1' for update
