"""How far each RPC endpoint has come, compared with the others of its chain, how long a slot takes, and whether the
main one gives blockhashes: without one nothing is built, however well it answers everything else.

One that lags is named, and nothing else: quotes and blockhashes come from the main one, whatever another claims of
itself. An endpoint that is only asked for evidence could else become the source of every price by claiming to be ahead.
What proves an order's end asks every endpoint, and takes no single one's word.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from prometheus_client import Gauge

from chains import answers
from chains.endpoint import Endpoint
from chains.errors import RpcError, UnansweredError
from chains.protocol import Blockhash

SLOT = Gauge("surefill_rpc_slot", "The newest confirmed slot that an RPC endpoint shows.", ["endpoint"])
HEIGHT = Gauge("surefill_rpc_height", "The newest confirmed block height that an RPC endpoint shows.", ["endpoint"])
LAG = Gauge("surefill_rpc_lag_seconds", "How far an RPC endpoint is behind the others.", ["endpoint"])
SLOT_SECONDS = Gauge("surefill_slot_seconds", "How long a slot of the chain took lately.")

EVERY_S = 5.0
WITHIN_S = 2.0
LAGS_S = 10.0
"""One that is further behind than this is named."""
# A cluster's slot, until its own was measured.
_USUAL_SLOT_S = 0.4


@dataclass(frozen=True, slots=True)
class _Seen:
    slot: int
    height: int
    at: float


class EndpointHealth:
    """Of ``endpoints``, the main one first. ``look`` compares them once, ``run`` for ever. ``blockhash`` gets one as
    those who build transactions do, and raises as it does for them; ``overstated`` says whose height wasn't believed.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        blockhash: Callable[[], Awaitable[Blockhash]],
        overstated: Callable[[], str | None],
    ) -> None:
        self._endpoints = endpoints
        self._blockhash = blockhash
        self._overstated = overstated
        self._genesis: dict[Endpoint, str] = {}
        self._lags: dict[Endpoint, float] = {}
        self._unanswered: set[Endpoint] = set()
        self._no_blockhash: str | None = None
        self._before: _Seen | None = None
        self.slot_seconds: float | None = None
        """As measured over the last looks; None before."""

    async def problem(self) -> str | None:
        """What readiness says of each endpoint that lags, doesn't answer, or has no blockhash to build with; None while
        all is well.
        """
        said = [f"{one.name} is {self._lags[one]:.0f} s behind" for one in self._endpoints if self._is_behind(one)]
        said += [f"{one.name} doesn't answer" for one in self._endpoints if one in self._unanswered]
        main = self._endpoints[0]
        if self._no_blockhash and main not in self._unanswered:
            said.append(f"{main.name} gives no blockhash to build with: {self._no_blockhash}")
        if overstated := self._overstated():
            said.append(overstated)
        return "; ".join(said) or None

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(EVERY_S)

    async def look(self) -> None:
        """Ask each where it is, side by side, and compare those that answer. Never raises for an endpoint."""
        asked = asyncio.gather(*(self._ask(endpoint) for endpoint in self._endpoints))
        found, self._no_blockhash = await asyncio.gather(asked, self._why_no_blockhash())
        seen = {endpoint: one for endpoint, one in zip(self._endpoints, found, strict=True) if one}
        self._unanswered = set(self._endpoints) - seen.keys()
        for endpoint, one in seen.items():
            SLOT.labels(endpoint.name).set(one.slot)
            HEIGHT.labels(endpoint.name).set(one.height)
        main = self._endpoints[0]
        alike = {one: at for one, at in seen.items() if self._genesis.get(one) == self._genesis.get(main)}
        if len(alike) < len(seen):
            self._genesis.clear()  # one may have been wrong for a moment: they are asked again
        self._measure(alike.get(main))
        self._compare(alike)

    async def _ask(self, endpoint: Endpoint) -> _Seen | None:
        try:
            async with asyncio.timeout(WITHIN_S):
                if endpoint not in self._genesis:
                    self._genesis[endpoint] = await endpoint.genesis_hash()
                info = await endpoint.call("getEpochInfo", {"commitment": "confirmed"}, shape=answers.EpochInfo)
        except (RpcError, UnansweredError, TimeoutError):
            return None
        return _Seen(info.absolute_slot, info.block_height, monotonic())

    async def _why_no_blockhash(self) -> str | None:
        """In words of ours, as clients see them: an endpoint's own may hold anything."""
        try:
            async with asyncio.timeout(WITHIN_S):
                await self._blockhash()
        except RpcError as error:
            return f"error {error.code}"
        except UnansweredError as error:
            return error.reason
        except TimeoutError:
            return "timeout"
        return None

    def _measure(self, now: _Seen | None) -> None:
        """By the main endpoint's own progress, from the look before."""
        if now is None:
            return
        before, self._before = self._before, now
        if before is not None and now.slot > before.slot:
            self.slot_seconds = (now.at - before.at) / (now.slot - before.slot)
            SLOT_SECONDS.set(self.slot_seconds)

    def _compare(self, seen: dict[Endpoint, _Seen]) -> None:
        """Against the newest; of three or more that answer, the newest that two show: one alone may lie."""
        slots = sorted((one.slot for one in seen.values()), reverse=True)
        newest = slots[1 if len(slots) > 2 else 0] if slots else 0
        a_slot = self.slot_seconds or _USUAL_SLOT_S
        # Of one that gave no answer it isn't known how far it is.
        self._lags = {one: max(0, newest - at.slot) * a_slot for one, at in seen.items()}
        for endpoint, lag in self._lags.items():
            LAG.labels(endpoint.name).set(lag)

    def _is_behind(self, endpoint: Endpoint) -> bool:
        return self._lags.get(endpoint, 0.0) > LAGS_S
