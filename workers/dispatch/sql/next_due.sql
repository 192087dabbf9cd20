select extract(epoch from min(due_at) - clock_timestamp())::float8 from work where stage = 'execute'
