-- A processor's position and the rows it wrote up to there, as one snapshot: the tail goes on from exactly here.
select coalesce((select position from positions where processor = %(processor)s), 0) as position,
       coalesce((select array_agg(order_id) from work where stage = 'track'), '{}'::uuid[]) as orders
