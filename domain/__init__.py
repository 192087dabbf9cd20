"""What an order is: events, state, decisions. Pure: no I/O, no clock, no randomness."""
