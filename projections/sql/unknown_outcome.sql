select reason, forever, since, checked_at from doubts where order_id = %(order)s and attempt = %(attempt)s
