"""Whether accounts trade, as this process knows it: read once, and again after each event that changes it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from commands.accounts import Accounts
from domain.account import Trading, trading_stream
from event_store.types import PositionedEvent, StreamGuard


class TradingStates:
    """``follow`` is to be told of every event of the log from some position on.

    What is known may be behind: whoever signs guards on its version, and forgets it where the guard fails.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._known: dict[UUID, Trading] = {}

    async def of(self, account_id: UUID) -> Trading:
        stream_id = trading_stream(account_id)
        known = self._known.get(stream_id)
        # A halt is read each time: who takes one for granted appends nothing, so no guard would show that it is over.
        if known is None or known.halted:
            known = self._known[stream_id] = await self._accounts.trading(account_id)
        return known

    def guard(self, account_id: UUID, trading: Trading) -> StreamGuard:
        """Holds while ``trading`` is how the account trades."""
        return StreamGuard(trading_stream(account_id), trading.version)

    def forget(self, account_id: UUID) -> None:
        self._known.pop(trading_stream(account_id), None)

    def follow(self, events: Sequence[PositionedEvent]) -> None:
        # Few accounts are known, and nearly every event is an order's.
        changed = {event.stream_id.int for event in events}
        for stream_id in [known for known in self._known if known.int in changed]:
            del self._known[stream_id]
