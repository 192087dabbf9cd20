-- Locked until the caller's transaction ends: whoever would take one up again waits until it is known how far the
-- caller has passed over its events.
select order_id from dead_letters
where processor = %(processor)s and order_id = any(%(orders)b)
for share
