delete from guards where order_id = any(%(orders)b) and reclaim is null
