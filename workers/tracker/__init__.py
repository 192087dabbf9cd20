"""Follows every signed transaction until the chain says, finally, what became of it."""
