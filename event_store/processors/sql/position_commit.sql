-- From the position it was read at; or repeated, where the answer of the first was lost.
insert into positions as p (processor, "position")
select %(processor)s, %(position)s
where %(after)s = 0 or exists (select from positions where processor = %(processor)s)
on conflict (processor) do update set "position" = excluded."position"
    where p."position" in (%(after)s, %(position)s)
