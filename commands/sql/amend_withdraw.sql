delete from amended_reservations where command_id = %(command)s
