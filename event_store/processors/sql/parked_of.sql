select order_id from parked where processor = %(processor)s
