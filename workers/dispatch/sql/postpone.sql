update work w
set tries = w.tries + 1, due_at = clock_timestamp() + least(%(most)s, %(least)s * 2 ^ least(w.tries, 20)) * interval '1 millisecond'
where w.order_id = %(order)s and w.stage = %(stage)s and w.version <= %(version)s
