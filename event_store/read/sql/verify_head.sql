select "position", nullif(recorded_at, '-infinity') as recorded_at, hash from log_head
