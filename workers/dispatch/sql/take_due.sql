-- Take what is due and let it come due again by itself, should the hint that is sent now be lost. An order that is a
-- dead letter of a stage keeps its row, and is not due. What is due later than the longest wait from now was written
-- before the clock stepped back; the second is for a clock that is merely slewed.
with due as (
  select order_id, stage from work
  where stage = any(%(stages)s)
    and (
      due_at <= clock_timestamp() - %(overdue)s * interval '1 millisecond'
      or due_at > clock_timestamp() + %(longest)s + interval '1 second'
    )
    and not exists (select from dead_letters d where d.order_id = work.order_id and d.processor = any(%(stages)s))
  order by due_at limit %(limit)s
  for update skip locked
)
update work w set due_at = clock_timestamp() + %(again)s * interval '1 millisecond'
from due where w.order_id = due.order_id and w.stage = due.stage
returning w.order_id, w.stage
