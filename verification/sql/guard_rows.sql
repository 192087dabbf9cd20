-- No Python datetime is beyond the years 1 to 9999: such an instant is brought within.
select
    order_id, account_id, least(greatest(since, '0001-01-02 00:00+00'), '9999-12-30 00:00+00') as since,
    lamports, reclaim, returned
from guards
order by order_id
