-- Take what is due and let it come due again by itself, should what is handed over now be lost. A dead letter of the
-- execution keeps its row, and is not due. What is due later than the longest wait from now was written before the
-- clock stepped back; the second is for a clock that is merely slewed.
with due as (
  select order_id, stage from work
  where stage = 'execute'
    and (
      due_at <= clock_timestamp() - %(overdue)s * interval '1 millisecond'
      or due_at > clock_timestamp() + %(longest)s + interval '1 second'
    )
    and not exists (select from dead_letters d where d.order_id = work.order_id and d.processor = %(processor)s)
  order by due_at limit %(limit)s
  for update skip locked
)
update work w set due_at = clock_timestamp() + %(again)s * interval '1 millisecond'
from due where w.order_id = due.order_id and w.stage = due.stage
returning w.order_id
