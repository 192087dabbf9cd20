-- One row an order says what is to be done next; the older one goes in the same statement.
with moved as (
  select * from unnest(%(orders)b::uuid[], %(versions)b::bigint[]) as m(order_id, version)
)
delete from work w using moved m
where w.order_id = m.order_id and w.stage <> 'track' and w.version < m.version
