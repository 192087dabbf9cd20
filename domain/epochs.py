"""Positions as clients see them: ``epoch.number``, such as ``1.47``.

Number and event belong together for as long as an epoch lasts. A log that was put back to an earlier moment gives the
numbers of its lost end to other events, so a new epoch begins there, and a position of the lost end is known as one. An
epoch has the next number, or a higher one where it is not known which the lost end had come to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from domain.account_event import AccountEvent
from domain.errors import PositionLostError
from domain.log_behind import LogFoundBehind

# Without an epoch it is the first one's: that is how positions looked before there were epochs.
POSITION = r"(?:[1-9][0-9]{0,8}\.)?[0-9]{1,18}"
_POSITION = re.compile(POSITION, re.ASCII)


@dataclass(frozen=True, slots=True)
class Epoch:
    """``after`` is the position before its first."""

    number: int
    after: int


@dataclass(frozen=True, slots=True)
class Epochs:
    """All epochs of a log, in their order. A later one may begin at a lower position than one before it.

    ``found_at`` is the position of the event that says that the newest has begun; 0 while there is but the first.
    """

    begun: tuple[Epoch, ...] = (Epoch(1, 0),)
    found_at: int = 0

    @property
    def current(self) -> int:
        return self.begun[-1].number

    def shown(self, position: int) -> str:
        """The position of an event of this log, for clients."""
        number = next((epoch.number for epoch in reversed(self.begun) if epoch.after < position), 1)
        return f"{number}.{position}"

    def read(self, text: str) -> int:
        """The number in what ``shown`` once gave. Raises ``PositionLostError``, or ``ValueError`` for another text."""
        if not _POSITION.fullmatch(text):
            raise ValueError(f"{text!r} is no position")
        epoch, _, number = text.rpartition(".")
        position, given_in = int(number), int(epoch or 1)
        if given_in > self.current:
            # Of a log that was put back to before that epoch had begun.
            raise PositionLostError(None)
        ended_at = min((later.after for later in self.begun if later.number > given_in), default=position)
        if position > ended_at:
            raise PositionLostError(self.shown(ended_at))
        return position


def epochs(reconciliation: Iterable[AccountEvent]) -> Epochs:
    """The epochs that the events of a reconciliation stream tell of."""
    begun = [Epoch(event.epoch, event.ended_at) for event in reconciliation if isinstance(event, LogFoundBehind)]
    return Epochs((Epoch(1, 0), *begun))
