"""The log's epochs, as this process knows them: read once, and again after each event that begins one."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from commands.accounts import Accounts
from domain.epochs import Epochs
from domain.log_behind import LogFoundBehind
from event_store.types import PositionedEvent


class KnownEpochs:
    """``follow`` is to be told of every event of the log from some position on."""

    def __init__(self, accounts: Accounts, account_id: UUID) -> None:
        self._accounts = accounts
        self._account_id = account_id
        self._known: Epochs | None = None
        self._changes = 0

    async def all(self) -> Epochs:
        known = self._known
        if known is None:
            changes, known = self._changes, await self._accounts.epochs(self._account_id)
            # What began while it was read may not be in it.
            self._known = known if changes == self._changes else None
        return known

    def follow(self, events: Sequence[PositionedEvent]) -> None:
        if any(event.topic == LogFoundBehind.TOPIC for event in events):
            self._known = None
            self._changes += 1
