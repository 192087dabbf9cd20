-- Orders a read model could not fold: their later events are passed over too, and everybody else's go on.
create table parked (
    projection text   not null,
    order_id   uuid   not null,
    "position" bigint not null,
    error      text   not null,
    primary key (projection, order_id)
);
