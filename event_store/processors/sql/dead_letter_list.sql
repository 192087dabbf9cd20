-- What a rebuild sets aside is no letter before its table is the live one.
select processor, order_id, version, "position", error, attempts, since
from dead_letters
where (not discarded or %(discarded)s)
    and right(processor, 8) <> '_rebuilt'
    and (%(order)s::uuid is null or order_id = %(order)s)
order by since, order_id, processor
