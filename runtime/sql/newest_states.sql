select state from events where topic = %(topic)s order by position desc limit 100
