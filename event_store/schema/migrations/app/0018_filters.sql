-- What lists of orders are filtered by, each with the orders in their place: a list reads what it shows, not all there is.
-- No update of orders_v1 was ever heap-only, as the status and the state are in indexes: these cost an entry each.
create index orders_v1_of_parent on orders_v1 (
    account_id, (coalesce(state ->> 'parent_id', state -> 'leg' ->> 'list_id')), first_position desc
) where coalesce(state ->> 'parent_id', state -> 'leg' ->> 'list_id') is not null;
create index orders_v1_of_type on orders_v1 (account_id, (state ->> 'type'), first_position desc);
-- Both directions of a pair lie together: most who ask for a pair want them in one order.
create index orders_v1_of_pair on orders_v1 (
    account_id,
    (least(state -> 'token_in' ->> 'mint', state -> 'token_out' ->> 'mint')),
    (greatest(state -> 'token_in' ->> 'mint', state -> 'token_out' ->> 'mint')),
    first_position desc
);
comment on index orders_v1_of_parent is 'The orders of a list, as the slices of a TWAP, newest first.';
comment on index orders_v1_of_type is 'An account''s orders of one type, newest first.';
comment on index orders_v1_of_pair is 'An account''s orders in one pair, newest first.';
-- The planner knows nothing of an expression before.
analyze orders_v1;
