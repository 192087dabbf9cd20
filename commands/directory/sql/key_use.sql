insert into key_uses (key_id, used_at)
select key_id, used_at from unnest(%(keys)s::uuid[], %(times)s::timestamptz[]) as used (key_id, used_at)
on conflict (key_id) do update set used_at = greatest(key_uses.used_at, excluded.used_at)
