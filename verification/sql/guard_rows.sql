select order_id, account_id, since, lamports, reclaim, returned from guards order by order_id
