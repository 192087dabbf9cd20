"""One visit takes an order from its price to its first send: quote, choose, build, sign, record, send."""
