select hash from events where "position" = %(position)s
