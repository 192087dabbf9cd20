"""Which text the log, and the tables that are made of it, can hold."""

from __future__ import annotations


def is_recordable(text: str) -> bool:
    """Whether it is whole characters, none of them the null, which PostgreSQL's text doesn't take."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
