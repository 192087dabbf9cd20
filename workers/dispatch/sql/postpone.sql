-- The n-th failure in a row waits for the n-th of the waits, any later one for the last of them. The row may not have
-- been written yet: then it is written now.
insert into work as w (order_id, stage, version, due_at, tries)
values (%(order)s, 'execute', %(version)s, clock_timestamp() + (%(waits)s::interval[])[1], 1)
on conflict (order_id, stage) do update
set tries = w.tries + 1, version = excluded.version,
    due_at = clock_timestamp() + (%(waits)s::interval[])[least(w.tries + 1, cardinality(%(waits)s::interval[]))]
where w.version <= excluded.version
