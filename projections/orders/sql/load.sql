select order_id, account_id, state::text, version, submitted_at, updated_at, "position", first_position
from {table}
where order_id = any(%(orders)b)
