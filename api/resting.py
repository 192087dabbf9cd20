"""What waits on a pair, counted at most once a second however often it is asked for: a count reads every such order."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from uuid import UUID

from chains.single_flight import SingleFlight
from domain.tokens import Pair, Side
from projections.orders.resting_orders import Resting, RestingOrders

# The read model is behind by a part of that anyway.
KEPT_S = 1.0
_Counts = dict[Side, Resting]
_Key = tuple[UUID, tuple[str, ...]]


class WaitingCounts:
    """Answers what ``counted`` does, from memory where that was asked less than ``KEPT_S`` seconds ago."""

    def __init__(self, counted: RestingOrders, clock: Callable[[], float] = time.monotonic) -> None:
        self._counted = counted
        self._clock = clock
        self._flight: SingleFlight[_Key, list[_Counts]] = SingleFlight()
        # By account and pairs: when it was counted, and the answer.
        self._kept: dict[_Key, tuple[float, list[_Counts]]] = {}

    async def on(self, account_id: UUID, pairs: Sequence[Pair]) -> list[_Counts]:
        """What the account's orders wait for on each pair, in their order."""
        key = account_id, tuple(pair.symbol for pair in pairs)
        if key in self._kept and self._clock() - self._kept[key][0] < KEPT_S:
            return self._kept[key][1]
        return await self._flight.run(key, lambda: self._count(key, pairs))

    async def _count(self, key: _Key, pairs: Sequence[Pair]) -> list[_Counts]:
        counts = await self._counted.on(key[0], pairs)
        now = self._clock()
        self._kept = {kept: found for kept, found in self._kept.items() if now - found[0] < KEPT_S}
        self._kept[key] = now, counts
        return counts
