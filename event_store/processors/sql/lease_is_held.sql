-- Asked first: the attempt to acquire writes a row version even when it is refused.
select owner from leases where processor = %(processor)s and expires_at > clock_timestamp()
