select processor, order_id, version, "position", error, attempts, since
from parked
where not discarded and (%(order)s::uuid is null or order_id = %(order)s)
order by since, order_id, processor
