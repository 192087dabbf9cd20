delete from dead_letters
where order_id = %(order)s and processor = any(%(processors)s) and (not %(unreadable)s or "position" is not null)
