-- Whoever projects the log must begin anew from there: the log ends before his position, or he remembers other rows.
with projector as (
    update positions set "position" = %(position)s where processor = %(processor)s returning processor
)
update leases set expires_at = clock_timestamp() where processor in (select processor from projector)
