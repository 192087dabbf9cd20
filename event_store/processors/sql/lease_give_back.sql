-- The holder is known to be dead: what it held is free for whoever stands by.
update leases set expires_at = clock_timestamp() where owner = %(owner)s and expires_at > clock_timestamp()
