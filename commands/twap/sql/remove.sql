delete from twap_schedule where list_id = %(list)s
