-- No Python datetime is beyond the years 1 to 9999: such an instant is brought within, and differs there too.
select
    order_id, account_id, status, version, "position",
    least(greatest(submitted_at, '0001-01-02 00:00+00'), '9999-12-30 00:00+00') as submitted_at,
    least(greatest(updated_at, '0001-01-02 00:00+00'), '9999-12-30 00:00+00') as updated_at,
    first_position, state::text
from orders_v1
order by order_id
