select count(*), coalesce(extract(epoch from max(updated_at)), 0)::float8
from orders
where status = 'confirmed' and created_at >= %(since)s
