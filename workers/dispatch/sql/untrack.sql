-- Where a newer attempt has raised the row's version, the row stays.
with untracked as (
  delete from work w
  using unnest(%(orders)b::uuid[], %(versions)b::bigint[]) as u(order_id, version)
  where w.order_id = u.order_id and w.stage = 'track' and w.version <= u.version
  returning w.order_id
)
delete from uncertainties u using untracked where u.order_id = untracked.order_id
