"""What an operator does over HTTP: accounts, keys, limits, halts. None of it reads an order."""
