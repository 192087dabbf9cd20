-- Lists of which the log has more than one success, by orders that exclude each other: one of those, and how many.
select min(attempt.order_id), count(*)
from attempt join exclusive using (order_id)
where attempt.ending in ('confirmed', 'cancelled')
group by exclusive.list_id having count(*) > 1
