-- The n-th failure in a row waits for the n-th of the waits, any later one for the last of them.
update work w
set tries = w.tries + 1, due_at = clock_timestamp() + (%(waits)s::interval[])[least(w.tries + 1, cardinality(%(waits)s::interval[]))]
where w.order_id = %(order)s and w.stage = %(stage)s and w.version <= %(version)s
