update work set due_at = clock_timestamp() where order_id = %(order)s and stage = 'execute'
