select order_id, account_id, status, version, "position", submitted_at, updated_at, first_position, state
from orders_v1
order by order_id
