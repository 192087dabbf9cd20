select order_id, "position" from parked where processor = %(processor)s
