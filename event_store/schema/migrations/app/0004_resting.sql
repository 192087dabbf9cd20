-- Orders that wait for a price: by whose, which direction and whether for a limit or a stop; then by its level.
-- One key, so that no other index could answer the question: before statistics are there, the planner would take it.
create index orders_v1_resting on orders_v1 (
    (case when status = 'pending' and (state ->> 'type') <> 'market' then
        account_id::text || ' ' || (state -> 'token_in' ->> 'mint') || ' ' || (state -> 'token_out' ->> 'mint') ||
        case when (state ->> 'stop_price') is null or (state ->> 'stop_reached') = 'true' then ' limit' else ' stop' end
    end),
    ((case
        when (state ->> 'stop_price') is null or (state ->> 'stop_reached') = 'true' then state ->> 'limit_price'
        else state ->> 'stop_price'
    end)::numeric)
) where (case when status = 'pending' and (state ->> 'type') <> 'market' then
    account_id::text || ' ' || (state -> 'token_in' ->> 'mint') || ' ' || (state -> 'token_out' ->> 'mint') ||
    case when (state ->> 'stop_price') is null or (state ->> 'stop_reached') = 'true' then ' limit' else ' stop' end
end) is not null;
