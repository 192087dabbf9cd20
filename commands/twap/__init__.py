"""TWAPs: their streams in the log, and the rows that say which slice is next."""
