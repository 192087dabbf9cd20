"""The lamports that transactions need: a guard's rent as the chain asks for it, and a reserve swaps leave alone."""

from __future__ import annotations

from collections import deque
from time import monotonic

from chains.guard import GUARD_BYTES
from chains.protocol import Chain
from chains.single_flight import SingleFlight

# The rent changes with the chain's parameters, at an epoch's end if ever; the balance with each transaction.
_RENT_KEPT_S = 60.0
_BALANCE_KEPT_S = 1.0
# What was taken for longer than this ago the balance shows.
_SHOWN_AFTER_S = 10.0


class Funds:
    """What ``wallet`` may still spend. ``reserve`` is in lamports, kept for cancels when the rest is used up."""

    def __init__(self, chain: Chain, wallet: str, *, reserve: int) -> None:
        self._chain = chain
        self._wallet = wallet
        self._reserve = reserve
        self._flight: SingleFlight[str, int] = SingleFlight()
        self._known: dict[str, tuple[float, int]] = {}
        self._taken: deque[tuple[float, int]] = deque()
        self._taken_sum = 0

    async def guard_rent(self) -> int:
        """The lamports that a guard must hold."""
        return await self._get("rent", _RENT_KEPT_S)

    async def take(self, lamports: int, *, from_reserve: bool = False) -> bool:
        """Whether a transaction may cost so much; then it counts as spent. A cancel may take it ``from_reserve``."""
        balance = await self._get("balance", _BALANCE_KEPT_S)
        now = monotonic()
        while self._taken and now - self._taken[0][0] > _SHOWN_AFTER_S:
            self._taken_sum -= self._taken.popleft()[1]
        # Some of what was taken just now is in the balance already: close to the reserve it is counted twice, and so
        # the reserve is reached a little early.
        if balance - self._taken_sum - lamports < (0 if from_reserve else self._reserve):
            return False
        self._taken.append((now, lamports))
        self._taken_sum += lamports
        return True

    async def _get(self, name: str, kept: float) -> int:
        known = self._known.get(name)
        if known is None or monotonic() - known[0] > kept:
            known = (monotonic(), await self._flight.run(name, self._rent if name == "rent" else self._balance))
            self._known[name] = known
        return known[1]

    async def _rent(self) -> int:
        return await self._chain.rent(GUARD_BYTES)

    async def _balance(self) -> int:
        return await self._chain.lamports(self._wallet)
