select order_id, max(tries) from work where order_id = any(%(orders)s) group by order_id
