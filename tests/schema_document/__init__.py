"""docs/schema.md: the database as a migration leaves it, written by a program and held equal to the database."""
