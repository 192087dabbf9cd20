"""The time of a slot's block, asked once for each slot: it never changes."""

from __future__ import annotations

from chains import answers
from chains.endpoint import Endpoint
from chains.errors import UnansweredError
from chains.single_flight import SingleFlight

# Callers ask for the newest slots alone.
_KEPT = 64


class BlockTimes:
    """The times of blocks as ``endpoint`` gives them, in whole seconds of unix time."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._flight: SingleFlight[int, int] = SingleFlight()
        self._known: dict[int, int] = {}

    async def of(self, slot: int) -> int:
        """Raises ``ChainUnavailableError`` where the endpoint doesn't know the block or its time."""
        known = self._known.get(slot)
        return await self._flight.run(slot, lambda: self._ask(slot)) if known is None else known

    async def _ask(self, slot: int) -> int:
        seconds = await self._endpoint.call("getBlockTime", slot, shape=answers.U64 | None)
        if seconds is None:
            raise UnansweredError(self._endpoint.name, f"no time is kept for slot {slot}")
        self._known[slot] = int(seconds)
        while len(self._known) > _KEPT:
            del self._known[next(iter(self._known))]
        return int(seconds)
