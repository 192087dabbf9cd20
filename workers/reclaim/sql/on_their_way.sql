select distinct reclaim, account_id from guards where reclaim is not null and not returned order by reclaim
