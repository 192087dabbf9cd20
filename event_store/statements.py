"""SQL statements, one a file, with psycopg's placeholders, in the folder ``sql`` beside the module that runs them."""

from pathlib import Path


def statement(module: str, name: str) -> bytes:
    """The text of ``sql/NAME.sql`` beside ``module``, which is the caller's ``__file__``."""
    return (Path(module).parent / "sql" / f"{name}.sql").read_bytes()
