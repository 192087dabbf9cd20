-- When each API key was last used: no event, for it would be one a request.
create table key_uses (
    key_id  uuid        primary key,
    used_at timestamptz not null
) with (fillfactor = 50);
comment on table key_uses is 'When each API key was last used, to the minute.';
comment on column key_uses.key_id is 'The key, by the id that surefill keys list shows; it is a stream of the log.';
comment on column key_uses.used_at is 'A request came with it then; written at most once a minute.';
