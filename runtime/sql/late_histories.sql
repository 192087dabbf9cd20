-- How many wallets' histories weren't compared with the log for long, and the one of them that wasn't for longest.
select count(*) over (), account_id, extract(epoch from clock_timestamp() - completed_at)::float8
from wallet_history
where completed_at is null or completed_at < clock_timestamp() - %(late)s * interval '1 second'
order by completed_at nulls first
limit 1
