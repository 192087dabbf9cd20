create table attempt (
    signature    text primary key,
    order_id     text not null,
    number       int  not null,
    wallet       text not null,
    genesis_hash text not null,
    version      int  not null,
    ending       text,
    slot         int,
    token_in     text not null,
    token_out    text not null,
    amount_in    text,
    amount_out   text,
    fee_lamports text,
    guard        text,
    guard_lamports text,
    tip_lamports text,
    purpose      text not null,
    seen         int  not null default 0
) without rowid;
create table closed_elsewhere (guard text primary key) without rowid;
create table unreadable (order_id text primary key) without rowid;
create table success (
    order_id  text not null,
    signature text not null,
    primary key (order_id, signature)
) without rowid;
create table exclusive (order_id text primary key, list_id text not null) without rowid;
