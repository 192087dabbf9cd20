-- What a start and the sweeper ask of all orders, whose answer must not take longer with every order that ever was.
-- The last states, confirmed and failed, are left out.
create index orders_v1_open on orders_v1 (status) where status in ('pending', 'routing', 'building', 'submitted');
comment on index orders_v1_open is 'The orders that have not ended, by status.';
create index orders_v1_signed on orders_v1 (first_position) where (state -> 'attempts') <> '[]'::jsonb;
comment on index orders_v1_signed is 'The orders for which a transaction was signed.';
