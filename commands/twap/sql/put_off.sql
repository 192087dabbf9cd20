-- Not where it was asked for again meanwhile.
update twap_schedule set look_at = %(look)s where list_id = %(list)s and asked_at = %(asked)s
