-- The reclaim closed nothing. Its guards go into ones of half the size, until those that can't be closed are alone.
-- Of the orders that share a guard one has its lamports: so those are as many as the guards.
with failed as (
    select count(lamports) as size from guards where reclaim = %(reclaim)s and not returned
)
update guards
set reclaim = null,
    largest = greatest(1, size / 2),
    obstacle = case when size <= 1 then %(obstacle)s end,
    not_before = case when size <= 1 then clock_timestamp() + %(wait)s end
from failed
where reclaim = %(reclaim)s and not returned
