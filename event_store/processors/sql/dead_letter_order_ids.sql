select order_id from dead_letters where processor = %(processor)s
