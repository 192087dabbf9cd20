-- The log ends before the position of whoever projects it: he must begin anew from there.
with projector as (
    update positions set "position" = %(position)s where processor = %(processor)s returning processor
)
update leases set expires_at = clock_timestamp() where processor in (select processor from projector)
