-- What the application may do with the log: read it, and append to it by the functions that keep its rules.
grant usage on schema {log} to {role};
grant select on all tables in schema {log} to {role};
grant execute on function {log}.append, {log}.append_straight, {log}.store, {log}.store_straight,
    {log}.lock_log to {role};
-- Its own schema is its own.
grant usage, create on schema {app} to {role};
