"""The hashes that bind each event to the one before it, computed again and compared."""
