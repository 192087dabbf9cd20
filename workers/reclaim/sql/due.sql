-- By the database's clock, as everything that was recorded.
(
    select order_id, account_id, since, lamports, largest
    from guards
    where reclaim is null and not_before is null and since <= clock_timestamp() - %(keep)s::interval
    order by since
    limit %(limit)s
)
union all
(
    select order_id, account_id, since, lamports, largest
    from guards
    where reclaim is null and not_before is not null and not_before <= clock_timestamp()
        and since <= clock_timestamp() - %(keep)s::interval
    order by not_before
    limit %(limit)s
)
