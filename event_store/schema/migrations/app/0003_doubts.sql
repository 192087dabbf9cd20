-- What the tracker can't tell of an attempt yet, and since when: shown with the order until it is known.
create table doubts (
    order_id   uuid        not null,
    attempt    int         not null,
    reason     text        not null,
    forever    boolean     not null,
    since      timestamptz not null default clock_timestamp(),
    checked_at timestamptz not null default clock_timestamp(),
    primary key (order_id, attempt)
);
