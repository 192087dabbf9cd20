select from parked where processor = %(processor)s and order_id = %(order)s for update
