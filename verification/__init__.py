"""`surefill verify` and `surefill checkpoint`: the log against itself, its read models, and the chain."""
