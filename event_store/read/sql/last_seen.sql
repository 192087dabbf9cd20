-- The log's last event, as of now.
select "position", event_id from events order by "position" desc limit 1
