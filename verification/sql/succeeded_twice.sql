-- Orders, or lists of orders that exclude each other, of which the chain shows several successes.
select min(success.order_id), count(*)
from success left join exclusive using (order_id)
group by coalesce(exclusive.list_id, success.order_id) having count(*) > 1
