-- What was said for one of these reasons holds no more, whoever said it.
delete from doubts where reason = any(%(reasons)s)
