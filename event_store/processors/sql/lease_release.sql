update leases set expires_at = clock_timestamp() where processor = %(processor)s and epoch = %(epoch)s
