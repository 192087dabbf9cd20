-- Guards of several orders that don't exclude each other.
select min(attempt.order_id), count(distinct coalesce(exclusive.list_id, attempt.order_id))
from attempt left join exclusive using (order_id)
where attempt.guard is not null
group by attempt.guard having count(distinct coalesce(exclusive.list_id, attempt.order_id)) > 1
