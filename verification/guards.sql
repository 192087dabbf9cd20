create table step (
    order_id   text not null,
    position   int  not null,
    account_id text not null,
    at         text not null,
    lamports   text,
    reclaim    text
);
create table ending (reclaim text primary key, landed int not null) without rowid;
