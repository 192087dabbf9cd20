select key_id, used_at from key_uses
