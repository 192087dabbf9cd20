-- Asked first: the attempt to acquire writes a row version even when it is refused. One that ends later than its length
-- from now was written before the clock stepped back, and is free, or nobody could have it until the clock is there
-- again. The second is for a clock that is merely slewed: its holder's next renewal puts that right.
select owner from leases
where processor = %(processor)s
  and expires_at > clock_timestamp() and expires_at <= clock_timestamp() + length + interval '1 second'
