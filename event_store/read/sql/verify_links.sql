-- What the log's running hash is made of, in its order. No Python datetime is beyond the years 1 to 9999.
select
    "position",
    case when recorded_at >= '0001-01-02 00:00+00' and recorded_at < '9999-12-31 00:00+00' then recorded_at end
        as recorded_at,
    hash
from events
where "position" <= %(upto)s::bigint
order by "position"
