select reason, permanent, since, checked_at from uncertainties where order_id = %(order)s and attempt = %(attempt)s
