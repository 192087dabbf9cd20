select order_id from reservations where order_id = any(%(orders)s)
