insert into orders_v1 (
  order_id, account_id, status, version, "position", submitted_at, updated_at, first_position, state
)
select
  md5('order ' || number)::uuid, '00000000-0000-7000-8000-000000000001',
  case when %(signed)s then 'confirmed' else 'failed' end, 5, number * 5, now(), now(), (number - 1) * 5 + 1,
  case when %(signed)s then '{"type": "market", "attempts": [{"number": 1}]}'
  else '{"type": "market", "attempts": []}' end::jsonb
from generate_series(1, %(orders)s) as number
