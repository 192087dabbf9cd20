-- How many attempts' outcome isn't known, and for how many seconds the oldest hasn't been.
select count(*), coalesce(extract(epoch from clock_timestamp() - min(since)), 0)::float8 from uncertainties
