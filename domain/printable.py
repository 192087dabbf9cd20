"""Text from outside of the engine, as it may be recorded and shown."""

from __future__ import annotations

import re

# Control characters but tab and line feed, of which PostgreSQL refuses NUL and terminals obey others; and halves of
# surrogate pairs, which no encoding has.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def printable(text: str) -> str:
    """``text`` with U+FFFD in place of each character that stores or terminals can't take."""
    return _UNPRINTABLE.sub("\ufffd", text)


def is_recordable(text: str) -> bool:
    """Whether stores can take it as it is: whole characters, none of them NUL."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
