"""A market for the local pools: a price that walks, and arbitrage that moves the pools there by real swaps."""
