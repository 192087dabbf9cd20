select order_id
from parked
where projection = %(projection)s and order_id = any(%(orders)s)
