-- Not where it was asked for again meanwhile.
delete from twap_schedule where list_id = %(list)s and asked_at = %(asked)s
