select event_id from events where "position" = %(position)s
