delete from parked
where order_id = %(order)s and processor = any(%(processors)s) and (not %(unreadable)s or "position" is not null)
