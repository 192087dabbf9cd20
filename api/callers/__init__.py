"""Who asks: the key of a request, the account it acts for, and what each route asks for."""
