-- Held as lease_is_held asks it.
select asked.processor
from unnest(%(processors)s::text[]) with ordinality as asked(processor, place)
where not exists (
  select from leases l
  where l.processor = asked.processor
    and l.expires_at > clock_timestamp() and l.expires_at <= clock_timestamp() + l.length + interval '1 second'
)
order by asked.place
