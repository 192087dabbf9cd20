"""This room's SQL statements, one a file, with psycopg's placeholders."""

from pathlib import Path

_DIRECTORY = Path(__file__).parent


def statement(name: str) -> bytes:
    """The text of ``NAME.sql``."""
    return (_DIRECTORY / f"{name}.sql").read_bytes()
