-- None of these reasons holds any more, whichever process recorded it.
delete from uncertainties where reason = any(%(reasons)s)
