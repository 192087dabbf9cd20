"""Orders that wait for a price: the book of them in memory, and the loop that observes prices and triggers orders.

Fairness: of the orders that one observation triggers, the better price goes first, then the older order; a pair's sells
and its buys are a queue each. The better price is the one that a moving market reaches first. Orders that become
executable come first: those without a limit by their stop, the higher of a sell, the lower of a buy; then the others by
their limit, the lower of a sell, the higher of a buy. Stops that only latch come last, by their stop.
"""
