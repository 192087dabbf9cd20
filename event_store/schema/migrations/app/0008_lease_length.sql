-- How long the lease was taken or renewed for: one that ends later than that from now was written before the clock
-- stepped back.
alter table leases add column length interval not null default '5 seconds';
comment on column leases.length is
    'For how long it was taken or last renewed. One that ends later than that from now is free: the clock stepped back.';
comment on column leases.expires_at is
    'Until when it is held; its holder renews it, and anybody may take it after that, or once the clock stepped back.';
