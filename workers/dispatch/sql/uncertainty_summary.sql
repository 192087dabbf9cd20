-- How many attempts' outcome isn't known, and for how many seconds the oldest hasn't been: none where the clock has
-- stepped back behind it.
select count(*), greatest(0, extract(epoch from clock_timestamp() - min(since)))::float8 from uncertainties
