-- Whoever appends holds everybody's lock: none may hold it for long, working or idle.
select
    set_config('statement_timeout', '2s', false),
    set_config('idle_in_transaction_session_timeout', '1s', false),
    set_config('synchronous_commit', 'on', false)
