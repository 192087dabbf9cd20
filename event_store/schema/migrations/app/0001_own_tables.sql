-- What the application owns beside the log: who its orders belong to, who does what, what is due, what clients list.
create table accounts (
    id     uuid primary key,
    wallet text unique
);
insert into accounts (id) values ('00000000-0000-7000-8000-000000000001');

create table leases (
    processor  text        primary key,
    epoch      bigint      not null,
    owner      text        not null,
    expires_at timestamptz not null
) with (fillfactor = 20);

create table positions (
    processor  text   primary key,
    "position" bigint not null
) with (fillfactor = 20);

create table work (
    order_id uuid        not null,
    stage    text        not null,
    version  bigint      not null,
    due_at   timestamptz not null,
    tries    int         not null default 0,
    primary key (order_id, stage)
);
create index work_by_due_at on work (due_at);

create table orders_v1 (
    order_id       uuid        primary key,
    account_id     uuid        not null,
    status         text        not null,
    version        int         not null,
    "position"     bigint      not null,
    submitted_at   timestamptz not null,
    updated_at     timestamptz not null,
    first_position bigint      not null,
    state          jsonb       not null
) with (fillfactor = 80);
create index orders_v1_newest on orders_v1 (account_id, first_position desc);
create index orders_v1_newest_by_status on orders_v1 (account_id, status, first_position desc);
