-- The same as list.sql, the oldest first.
select order_id, account_id, state::text, version, submitted_at, updated_at, "position", first_position
from orders_v1
where account_id = %(account)s
  and (%(status)s::text is null or status = %(status)s)
  and (%(order)s::uuid is null or order_id = %(order)s)
  and (%(parent)s::text is null or coalesce(state ->> 'parent_id', state -> 'leg' ->> 'list_id') = %(parent)s)
  and (%(type)s::text is null or state ->> 'type' = %(type)s)
  and (%(base)s::text is null or (
    least(state -> 'token_in' ->> 'mint', state -> 'token_out' ->> 'mint') = least(%(base)s, %(quote)s::text)
    and greatest(state -> 'token_in' ->> 'mint', state -> 'token_out' ->> 'mint') = greatest(%(base)s, %(quote)s::text)
  ))
  and (%(sold)s::text is null or state -> 'token_in' ->> 'mint' = %(sold)s)
  and (%(since)s::timestamptz is null or submitted_at >= %(since)s)
  and (%(until)s::timestamptz is null or submitted_at < %(until)s)
  and (%(before)s::bigint is null or first_position > %(before)s)
order by first_position
limit %(limit)s
