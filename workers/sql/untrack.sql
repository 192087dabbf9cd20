-- A newer attempt has raised the version: then the row stays.
delete from work w
using unnest(%(orders)s::uuid[], %(versions)s::bigint[]) as u(order_id, version)
where w.order_id = u.order_id and w.stage = 'track' and w.version <= u.version
