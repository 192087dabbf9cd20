-- For each direction asked for: how many orders wait, and the limit and the stop a moving price reaches first. The
-- expressions are those of the index orders_v1_resting, where the nearest level is at an end.
with waiting as not materialized (
    select
        case when status = 'pending' and (state ->> 'type') <> 'market' then
            account_id::text || ' ' || (state -> 'token_in' ->> 'mint') || ' ' || (state -> 'token_out' ->> 'mint') ||
            case when (state ->> 'stop_price') is null or (state ->> 'stop_reached') = 'true' then ' limit'
            else ' stop' end
        end as waits_for,
        (case
            when (state ->> 'stop_price') is null or (state ->> 'stop_reached') = 'true' then state ->> 'limit_price'
            else state ->> 'stop_price'
        end)::numeric as level
    from orders_v1
)
select
    (select count(*) from waiting where waits_for = direction || ' limit') +
    (select count(*) from waiting where waits_for = direction || ' stop'),
    case
        when sells then (select min(level) from waiting where waits_for = direction || ' limit')
        else (select max(level) from waiting where waits_for = direction || ' limit')
    end,
    case
        when sells then (select max(level) from waiting where waits_for = direction || ' stop')
        else (select min(level) from waiting where waits_for = direction || ' stop')
    end
from unnest(%(directions)s::text[], %(sells)s::boolean[]) with ordinality as asked(direction, sells, place)
order by place
