update dead_letters set discarded = true where order_id = %(order)s and processor = any(%(processors)s)
