-- Whoever is next counts anew.
update account_use set settled_at = '-infinity' where account_id = %(account)s
