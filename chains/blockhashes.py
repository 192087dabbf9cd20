"""One blockhash a second for every transaction: it is valid for 150 blocks, so asking for each would be waste."""

from __future__ import annotations

import asyncio
from time import monotonic

from chains.errors import ChainUnavailableError
from chains.protocol import Blockhash, Chain
from chains.single_flight import SingleFlight

# While somebody asked within this time, the next blockhash is fetched before the last one is too old. One that nobody
# uses is a call for nothing: so it serves those who come some times a second.
KEPT_WARM_S = 0.25
# Where the chain gives no newer one, a transaction may still carry one of this age.
_LAST_RESORT_S = 3.0


class BlockhashCache:
    """The latest blockhash of ``chain``, at most ``max_age`` seconds old.

    Where no newer one can be had, it hands out one that is a little older; then it raises what the chain raises. While
    it is used it asks ahead of its callers, so that they need not wait; unused it asks nothing.
    """

    def __init__(self, chain: Chain, max_age: float = 1.0) -> None:
        self._chain = chain
        self._max_age = max_age
        self._flight: SingleFlight[None, Blockhash] = SingleFlight()
        self._held: Blockhash | None = None
        self._asked_at = 0.0
        self._used_at = 0.0
        self._warming: asyncio.Task[None] | None = None

    async def latest(self) -> Blockhash:
        if self._held is not None and monotonic() - self._asked_at < self._max_age:
            self._keep_warm()
            return self._held
        try:
            latest = await self._flight.run(None, self._ask)
            self._keep_warm()
            return latest
        except ChainUnavailableError:
            if self._held is None or monotonic() - self._asked_at > self._max_age + _LAST_RESORT_S:
                raise
            return self._held

    def _keep_warm(self) -> None:
        self._used_at = monotonic()
        if self._max_age and (self._warming is None or self._warming.done()):
            self._warming = asyncio.create_task(self._warm())

    async def _ask(self) -> Blockhash:
        asked_at = monotonic()
        self._held = await self._chain.latest_blockhash()
        self._asked_at = asked_at
        return self._held

    async def _warm(self) -> None:
        while True:
            await asyncio.sleep(max(0.0, self._asked_at + self._max_age / 2 - monotonic()))
            if monotonic() - self._used_at > KEPT_WARM_S:
                return
            if monotonic() - self._asked_at < self._max_age / 2:
                continue  # somebody else has asked meanwhile
            try:
                await self._flight.run(None, self._ask)
            except ChainUnavailableError:
                return  # who asks next asks again, and gets the error
