-- A newer attempt has raised the version: then the row stays.
with gone as (
  delete from work w
  using unnest(%(orders)b::uuid[], %(versions)b::bigint[]) as u(order_id, version)
  where w.order_id = u.order_id and w.stage = 'track' and w.version <= u.version
  returning w.order_id
)
delete from uncertainties d using gone where d.order_id = gone.order_id
