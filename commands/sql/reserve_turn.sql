-- One at a time for each account, in whichever process.
insert into accounts (id) values (%(account)s) on conflict (id) do update set id = excluded.id returning id
