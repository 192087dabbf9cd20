"""What whoever watches over the processors asks: whose lease nobody holds, and whose position stays behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncCursor

from event_store.statements import statement

_UNHELD = statement(__file__, "lease_unheld")
_BACKLOG = statement(__file__, "position_backlog")

SAMPLE_EVERY_S = 1.0


async def unheld(cursor: AsyncCursor[Any], processors: Sequence[str]) -> list[str]:
    """Those of ``processors`` that no process may act as: their lease is free, or was never taken."""
    await cursor.execute(_UNHELD, {"processors": list(processors)})
    return [row[0] for row in await cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Lag:
    """A processor that is at ``position`` although the log ends at ``head``."""

    processor: str
    position: int
    head: int


class LagWatch:
    """Finds the processors that have been behind the log for longer than ``patience`` seconds.

    The age of the next event tells it at once. Where the database's clock stepped back that age is none, so ends of the
    log that were seen before, by the monotonic clock, tell it as well.
    """

    def __init__(self, processors: Sequence[str], patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._processors = list(processors)
        self._patience = patience
        self._clock = clock
        # When the log was seen to end where, oldest first; the first is the newest that is older than the patience.
        self._heads: list[tuple[float, int]] = []

    async def lagging(self, cursor: AsyncCursor[Any]) -> list[Lag]:
        await cursor.execute(_BACKLOG, {"processors": self._processors})
        found = await cursor.fetchall()
        expected = self._expected(found[0][1]) if found else 0
        return [
            Lag(processor, position, head)
            for processor, head, position, waited in found
            if position < expected or (waited is not None and waited > self._patience)
        ]

    def _expected(self, head: int) -> int:
        """The position that everybody must have reached by now, given that the log ends at ``head`` now."""
        now = self._clock()
        if not self._heads or now - self._heads[-1][0] >= SAMPLE_EVERY_S:
            self._heads.append((now, head))
        while len(self._heads) > 1 and now - self._heads[1][0] > self._patience:
            del self._heads[0]
        at, seen = self._heads[0]
        return seen if now - at > self._patience else 0
