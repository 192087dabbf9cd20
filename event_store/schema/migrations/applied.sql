create table if not exists migrations (
    number     int         primary key,
    name       text        not null,
    applied_at timestamptz not null default clock_timestamp()
)
