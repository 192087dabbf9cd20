select begun, completed, extract(epoch from clock_timestamp() - completed_at)::float8
from wallet_history where account_id = %(account)s
