"""Orders that wait: the book of them in memory, and the loop that observes prices and fires what is met.

Fairness: of orders met by one observation the better price goes first, then the older order. The better price is the
one a moving market reaches first: the lower limit of a sell, the higher of a buy; the higher stop of a sell, the lower
of a buy.
"""
