select "position", hash from events order by "position" desc limit 1
