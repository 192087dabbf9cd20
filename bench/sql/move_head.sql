update log_head set ("position", recorded_at) = (
    select "position", recorded_at from events order by "position" desc limit 1
)
returning "position"
