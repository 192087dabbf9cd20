update twap_schedule set look_at = %(look)s where list_id = %(list)s
