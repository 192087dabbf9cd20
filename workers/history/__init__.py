"""The wallet's transactions on the chain, held against the log: what succeeded under an order's guard, the log knows.

Where it doesn't, the log was put back to an earlier moment, or another engine signs with the same wallet.
"""
