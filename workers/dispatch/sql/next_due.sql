-- What is due later than the longest wait from now was written before the clock stepped back, and is due.
select extract(epoch from min(
    case when due_at > clock_timestamp() + %(longest)s + interval '1 second' then clock_timestamp() else due_at end
) - clock_timestamp())::float8
from work where stage = 'execute'
