-- A dead letter of the execution is not due. What is due later than the longest wait from now was written before the
-- clock stepped back, and is due.
select extract(epoch from min(
    case when due_at > clock_timestamp() + %(longest)s + interval '1 second' then clock_timestamp() else due_at end
) - clock_timestamp())::float8
from work
where stage = 'execute'
  and not exists (select from dead_letters d where d.order_id = work.order_id and d.processor = %(processor)s)
