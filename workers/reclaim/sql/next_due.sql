-- In how many seconds the next one is due; null where none is left.
select extract(epoch from least(
    (select since + %(keep)s::interval from guards where reclaim is null and not_before is null order by since limit 1),
    (
        select greatest(not_before, since + %(keep)s::interval) from guards
        where reclaim is null and not_before is not null order by not_before limit 1
    )
) - clock_timestamp())::float8
