select coalesce((select "position" from positions where processor = 'projector:orders_v1'), 0)
