select count(distinct stream_id) from events where "position" <= %(upto)s
