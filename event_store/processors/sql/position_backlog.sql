-- Where the log ends, each processor's position, and for how many seconds the next event has waited for it.
select
  asked.processor,
  log_head."position",
  coalesce(reached."position", 0),
  (
    select extract(epoch from clock_timestamp() - e.recorded_at)::float8
    from events e
    where e."position" = coalesce(reached."position", 0) + 1
  )
from log_head
cross join unnest(%(processors)s::text[]) with ordinality as asked(processor, place)
left join positions reached on reached.processor = asked.processor
order by asked.place
