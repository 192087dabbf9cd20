"""A file of recorded ticks, played from the moment it is first asked: a line is ``{"after": seconds, "token": symbol or
mint, "bid": "...", "ask": "..."}``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from time import time

import msgspec

from domain.tokens import TokenList
from venues.tick import Tick


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    after: float
    token: str
    bid: str
    ask: str


class RecordedFeed:
    """Raises ``ValueError``, which names the line, where the file can't be read as such; ``OSError`` where it isn't
    there. After its last line a token's tick grows old.
    """

    name = "file"

    def __init__(self, file: Path, tokens: TokenList, *, clock: Callable[[], float] = time) -> None:
        self._clock = clock
        self._began: float | None = None
        self._left = sorted(_read(file, tokens), key=lambda each: each[0])
        self._ticks: dict[str, Tick] = {}

    async def ticks(self) -> Mapping[str, Tick]:
        now = self._clock()
        began = self._began = now if self._began is None else self._began
        due = [each for each in self._left if began + each[0] <= now]
        self._left = self._left[len(due) :]
        for after, mint, bid, ask in due:
            self._ticks[mint] = Tick(bid, ask, began + after)
        return self._ticks


def _read(file: Path, tokens: TokenList) -> list[tuple[float, str, Decimal, Decimal]]:
    read = []
    for number, text in enumerate(file.read_text().splitlines(), 1):
        if not text.strip():
            continue
        try:
            line = msgspec.json.decode(text, type=_Line)
            token = tokens.find(line.token)
            if token is None:
                raise ValueError(f"no token {line.token}")
            read.append((line.after, token.mint, Decimal(line.bid), Decimal(line.ask)))
        except (ValueError, ArithmeticError) as error:
            raise ValueError(f"{file}, line {number}: {error}") from None
    return read
