"""Prices from outside of the chain: what tokens cost in dollars, as others say it."""
