create table reclaim (
    signature    text primary key,
    reclaim_id   text not null,
    wallet       text not null,
    genesis_hash text not null,
    version      int  not null,
    ending       text,
    slot         int,
    lamports     text not null,
    tokens       text not null,
    fee_lamports text not null,
    seen         int  not null default 0
) without rowid;
create table closed (guard text primary key, ending text, signature text not null) without rowid;
create table guard (
    address      text primary key,
    order_id     text not null,
    signature    text not null,
    wallet       text not null,
    genesis_hash text not null
) without rowid;
