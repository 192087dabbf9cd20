-- Lists whose orders exclude each other and make several guards.
select min(attempt.order_id), count(distinct attempt.guard)
from attempt join exclusive using (order_id)
where attempt.guard is not null
group by exclusive.list_id, attempt.wallet having count(distinct attempt.guard) > 1
