-- Both tables as of one moment. A checksum must not depend on the session it is made in.
set transaction isolation level repeatable read;
set local timezone = 'UTC';
set local datestyle = 'ISO'
