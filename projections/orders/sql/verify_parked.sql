select order_id, "position" from parked where projection = %(projection)s
