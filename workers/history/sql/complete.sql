update wallet_history
set completed = greatest(completed, %(number)s), completed_at = clock_timestamp(),
    "position" = greatest("position", %(position)s), marks = marks || %(marks)s
where account_id = %(account)s
