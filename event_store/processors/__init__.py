"""What every reader of the log keeps of its own: a lease, a position, and the orders it had to set aside."""
