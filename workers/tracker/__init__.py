"""Every sent transaction, followed until the chain says what became of it."""
