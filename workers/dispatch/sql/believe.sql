delete from doubts where order_id = %(order)s and attempt = %(attempt)s
