-- Both tables as of one moment.
set transaction isolation level repeatable read
