select from dead_letters where processor = %(processor)s and order_id = %(order)s for update
