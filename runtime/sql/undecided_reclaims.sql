-- How many reclaims nobody can tell the outcome of, and what is said of one; of a guard in a reclaim nothing else is.
select count(*) over (), min(obstacle) from guards
where reclaim is not null and not returned and obstacle is not null
group by reclaim order by reclaim limit 1
