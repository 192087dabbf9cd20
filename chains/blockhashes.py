"""One blockhash a second for every transaction: it is valid for 150 blocks, so asking for each would be waste."""

from __future__ import annotations

from time import monotonic

from chains.protocol import Blockhash, Chain
from chains.single_flight import SingleFlight


class BlockhashCache:
    """The latest blockhash of ``chain``, at most ``max_age`` seconds old; raises what the chain raises."""

    def __init__(self, chain: Chain, max_age: float = 1.0) -> None:
        self._chain = chain
        self._max_age = max_age
        self._flight: SingleFlight[None, Blockhash] = SingleFlight()
        self._held: Blockhash | None = None
        self._asked_at = 0.0

    async def latest(self) -> Blockhash:
        if self._held is not None and monotonic() - self._asked_at < self._max_age:
            return self._held
        return await self._flight.run(None, self._ask)

    async def _ask(self) -> Blockhash:
        asked_at = monotonic()
        self._held = await self._chain.latest_blockhash()
        self._asked_at = asked_at
        return self._held
