insert into leases as l (processor, epoch, owner, expires_at)
values (%(processor)s, 1, %(owner)s, clock_timestamp() + %(ttl)s)
on conflict (processor) do update
set epoch = l.epoch + 1, owner = excluded.owner, expires_at = clock_timestamp() + %(ttl)s
where l.expires_at <= clock_timestamp()
returning epoch
