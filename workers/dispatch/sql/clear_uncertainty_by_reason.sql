-- What was said for one of these reasons holds no more, whoever said it.
delete from uncertainties where reason = any(%(reasons)s)
