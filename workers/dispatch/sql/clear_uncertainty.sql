delete from uncertainties where order_id = %(order)s and attempt = %(attempt)s
