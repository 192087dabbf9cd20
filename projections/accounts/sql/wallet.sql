select wallet from accounts where id = %(account)s
