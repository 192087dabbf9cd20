-- Whoever is late finds the row at a later slice, and changes nothing; nor where it was asked for again meanwhile.
update twap_schedule
set next_slice = next_slice + 1, due_at = %(due)s, look_at = %(look)s
where list_id = %(list)s and next_slice = %(slice)s and asked_at = %(asked)s
