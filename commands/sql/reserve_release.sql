delete from reservations where order_id = %(order)s
