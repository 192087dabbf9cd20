from __future__ import annotations

import pytest

from domain.printable import printable


@pytest.mark.parametrize("character", ["\0", "\x07", "\x0b", "\r", "\x1b", "\x7f", "\x9b", "\ud800", "\udfff"])
def test_what_stores_or_terminals_cannot_take_is_replaced(character: str) -> None:
    assert printable(f"a{character}b") == "a\ufffdb"
    printable(f"a{character}b").encode()


def test_all_else_stays_as_it_was_said() -> None:
    text = "Program log: 5 €\t\n\u00a0\U0001f600 \\u0000"
    assert printable(text) == text
