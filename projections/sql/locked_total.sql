select
    count(*) filter (where not returned and lamports is not null) as guards,
    coalesce(sum(lamports) filter (where not returned), 0)::bigint as lamports,
    count(*) filter (where returned) as returned
from guards
