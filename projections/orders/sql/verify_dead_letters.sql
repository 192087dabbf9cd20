select order_id, "position" from dead_letters where processor = %(processor)s
