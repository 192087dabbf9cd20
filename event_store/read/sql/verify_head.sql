-- An empty log's is -infinity. No Python datetime is beyond the years 1 to 9999; a day is left for the time zone.
select
    "position",
    case when recorded_at >= '0001-01-02 00:00+00' and recorded_at < '9999-12-31 00:00+00' then recorded_at end
        as recorded_at,
    hash
from log_head
