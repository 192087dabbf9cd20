insert into positions as p (processor, "position") values (%(processor)s, %(position)s)
on conflict (processor) do update set "position" = excluded."position" where p."position" < excluded."position"
