"""What others pay for priority at the accounts that a transaction writes: a hint for what ours offers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from time import monotonic

import structlog
from solders.instruction import Instruction

from chains import answers
from chains.endpoint import Endpoint
from chains.errors import ChainUnavailableError
from chains.single_flight import SingleFlight

log = structlog.get_logger(__name__)

MOST_ACCOUNTS = 128
# Of the last 150 blocks; a block lasts some 400 ms.
KEPT_S = 2.0
_MOST_KEPT = 1_000


class PriorityFees:
    """The ``percentile`` (1 to 100) of the fees that ``read`` shows for accounts, in micro-lamports a compute unit.

    Of each recent block the node shows the least that was paid there, mostly nothing: zeros don't count. 0 asks for
    nothing. It is never less than ``least``.
    """

    def __init__(
        self, read: Callable[[Sequence[str]], Awaitable[Sequence[int]]], percentile: int, *, least: int = 0
    ) -> None:
        self._read = read
        self._percentile = percentile
        self._least = least
        self._known: dict[tuple[str, ...], tuple[float, int]] = {}
        self._flight: SingleFlight[tuple[str, ...], tuple[float, int]] = SingleFlight()

    async def of(self, instructions: Sequence[Instruction]) -> int:
        """For the accounts that these write; the least where nobody paid, or the node doesn't say: it is a hint."""
        return max(self._least, await self._paid(instructions)) if self._percentile else self._least

    async def _paid(self, instructions: Sequence[Instruction]) -> int:
        metas = (one for each in instructions for one in each.accounts if one.is_writable and not one.is_signer)
        accounts = tuple(dict.fromkeys(str(one.pubkey) for one in metas))[:MOST_ACCOUNTS]
        known = self._known.get(accounts)
        if known is None or monotonic() - known[0] > KEPT_S:
            try:
                known = await self._flight.run(accounts, lambda: self._ask(accounts))
            except ChainUnavailableError as error:
                log.debug("recent priority fees can't be read", error=type(error).__name__)
                return 0
        return known[1]

    async def _ask(self, accounts: tuple[str, ...]) -> tuple[float, int]:
        paid = percentile_of(await self._read(accounts), self._percentile)
        if len(self._known) >= _MOST_KEPT:
            self._known.clear()
        known = self._known[accounts] = monotonic(), paid
        return known


async def read_fees(endpoint: Endpoint, accounts: Sequence[str]) -> list[int]:
    """Of each recent block the least that was paid to write any of ``accounts``. Raises what the endpoint does."""
    shape = list[answers.PrioritizationFee]
    found = await endpoint.call("getRecentPrioritizationFees", list(accounts), shape=shape)
    return [one.prioritization_fee for one in found]


def percentile_of(fees: Sequence[int], percentile: int) -> int:
    """The least of the fees above zero that ``percentile`` per cent of them don't exceed; 0 without any."""
    paid = sorted(fee for fee in fees if fee > 0)
    return paid[-(-len(paid) * percentile // 100) - 1] if paid else 0
