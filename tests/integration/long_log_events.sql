with topics as (
  select *
  from unnest(array[
    'order.OrderSubmitted', 'order.OrderTriggered', 'order.OrderRouted',
    case when %(signed)s then 'order.TransactionBuilt' else 'order.BuildRejected' end,
    case when %(signed)s then 'order.OrderConfirmed' else 'order.OrderFailed' end
  ]) with ordinality as topic(name, version)
),
written as (
  insert into events (
    stream_id, version, event_id, topic, state, account_id, command_id, correlation_id, "position", recorded_at, hash
  )
  select
    md5('order ' || number)::uuid, version, gen_random_uuid(), name, '{"v":1,"data":{}}',
    '00000000-0000-7000-8000-000000000001', md5('command ' || number)::uuid, md5('command ' || number)::uuid,
    (number - 1) * 5 + version, now() - interval '1 hour', '\x00'
  from generate_series(1, %(orders)s) as number, topics
  order by number, version
)
update log_head set "position" = %(orders)s * 5, recorded_at = now() - interval '1 hour'
