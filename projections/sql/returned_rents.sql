select order_id from guards where order_id = any(%(orders)b) and returned
