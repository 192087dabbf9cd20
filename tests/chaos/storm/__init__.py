"""`make chaos`: orders under load while everything fails, and a verdict on every invariant, taken from outside.

The engine is `surefill up` as anybody runs it, in front of a node that misbehaves; what strikes and when follows from
the seed. Only what a client, the chain, the database or the file system shows is judged.
"""
