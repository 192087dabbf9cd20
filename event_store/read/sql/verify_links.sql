-- What the log's running hash is made of, in its order.
select "position", case when isfinite(recorded_at) then recorded_at end, hash
from events
where "position" <= %(upto)s::bigint
order by "position"
