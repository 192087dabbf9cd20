insert into leases as l (processor, epoch, owner, expires_at, length)
values (%(processor)s, 1, %(owner)s, clock_timestamp() + %(ttl)s, %(ttl)s)
on conflict (processor) do update
set epoch = l.epoch + 1, owner = excluded.owner, expires_at = clock_timestamp() + %(ttl)s, length = excluded.length
-- What lease_is_held asks, the other way round.
where l.expires_at <= clock_timestamp() or l.expires_at > clock_timestamp() + l.length + interval '1 second'
returning epoch
