-- Shared with the other transactions of its holder; whoever would take over waits for their end.
select from leases
where processor = %(processor)s and epoch = %(epoch)s and expires_at > clock_timestamp()
for share
