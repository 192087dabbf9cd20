"""Which orders the chain has executed and the log has lost, as this process knows them: their first post ends them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from commands.foreign import ForeignTransactions
from domain.log_behind import ForeignTransactionFound
from event_store.types import PositionedEvent


class ExecutedElsewhere:
    """``follow`` is to be told of every event of the log from some position on.

    Most logs have none: then nothing is asked of the log after an account's first time.
    """

    def __init__(self, foreign: ForeignTransactions) -> None:
        self._foreign = foreign
        self._known: dict[UUID, dict[UUID, ForeignTransactionFound]] = {}
        self._changes = 0

    async def of_order(self, account_id: UUID, order_id: UUID) -> ForeignTransactionFound | None:
        """The transaction that executed an account's order which another log or engine took."""
        return (await self.of_account(account_id)).get(order_id)

    async def of_account(self, account_id: UUID) -> Mapping[UUID, ForeignTransactionFound]:
        """The same of each such order."""
        known = self._known.get(account_id)
        if known is None:
            changes = self._changes
            found = await self._foreign.found(account_id)
            known = {one.order_id: one for one in found if not one.failed}
            # What was recorded while it was read may not be in it.
            if changes == self._changes:
                self._known[account_id] = known
        return known

    def follow(self, events: Sequence[PositionedEvent]) -> None:
        if any(event.topic == ForeignTransactionFound.TOPIC for event in events):
            self._known.clear()
            self._changes += 1
