-- An account's streams with an event of the kind past a position, in the order of their first one.
select e.stream_id from events e
where e."position" > %(after)s::bigint
  -- True of every event: a range with two ends is what the planner takes to be short, whatever it knows of the table.
  and e."position" <= (select "position" from log_head)
  and e.account_id = %(account)s
  and e.topic = %(topic)s
group by e.stream_id
order by min(e."position")
