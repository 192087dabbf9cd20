-- The template's row for each order that the log has past a position, as the projector would have written it.
insert into orders_v1
select row_.*
from (
    select stream_id, min("position") as first, max("position") as last, min(recorded_at) as at
    from events where "position" > %(position)s group by stream_id
) as e
cross join orders_v1 as t
cross join lateral jsonb_populate_record(
    t,
    jsonb_build_object(
        'order_id', e.stream_id, 'position', e.last, 'first_position', e.first, 'submitted_at', e.at, 'updated_at', e.at
    )
) as row_
where t.order_id = %(template)s
