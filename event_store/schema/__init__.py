"""The database's tables and functions, as numbered migrations."""
