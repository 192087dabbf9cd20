update leases set expires_at = clock_timestamp() + %(ttl)s, length = %(ttl)s
where processor = %(processor)s and epoch = %(epoch)s and expires_at > clock_timestamp()
