"""Orders that wait: the book of them in memory, and the loop that observes prices and fires what is met.

Fairness: of orders met by one observation the better price goes first, then the older order; the sells and the buys of
a pair are a queue each. The better price is the one a moving market reaches first. Orders that become executable come
first, by their limit: the lower of a sell, the higher of a buy. Then stops that only latch, by their stop: the higher
of a sell, the lower of a buy.
"""
