-- Those of the orders whose transactions the tracker follows.
select order_id from work where stage = 'track' and order_id = any(%(orders)b)
