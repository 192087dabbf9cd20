"""What the chain shows of orders that a log which was put back doesn't know: read once nothing can land any more.

Whatever the lost end of the log had signed was signed before the log was found behind. So when the finalized height is
past the life of the newest blockhash of that moment, it has landed or never will.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from uuid import UUID

from chains.errors import ChainUnavailableError
from chains.wallet_history import Tip
from commands.accounts import Accounts
from commands.foreign import ForeignTransactions
from commands.foreign_reclaims import ForeignReclaims
from domain.evidence import BLOCKHASH_LIFE, enough
from domain.log_behind import ForeignReclaimFound, ForeignTransactionFound, WalletHistoryRead
from workers.history.reader import HistoryReader

LOOK_EVERY_S = 0.5
PATIENCE_S = 30.0

Show = Callable[[int], None]
"""Is told how many blocks are still to come."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What was executed and reclaimed outside of the log and was recorded now, as the endpoints of ``tips`` show it."""

    recorded: tuple[ForeignTransactionFound, ...]
    reclaims: tuple[ForeignReclaimFound, ...]
    tips: Mapping[str, Tip]


class OutsideReader:
    """Reads for an account whose log is behind, as the stream of ``log_account`` says.

    Raises ``ChainUnavailableError`` where too few endpoints answer.
    """

    def __init__(
        self,
        reader: HistoryReader,
        accounts: Accounts,
        foreign: ForeignTransactions,
        reclaims: ForeignReclaims,
        account_id: UUID,
        log_account: UUID | None = None,
    ) -> None:
        self._reader = reader
        self._accounts = accounts
        self._foreign = foreign
        self._reclaims = reclaims
        self._account_id = account_id
        self._log_account = log_account or account_id

    async def record(self, wallet: str, show: Show) -> Outside:
        """Wait until nothing can land any more, read the wallet's whole history, and record what the log lacks of it.

        What was read since the log was found behind need not be waited for again.
        """
        behind = await self._accounts.unrecovered(self._log_account)
        assert behind is not None  # noqa: S101 - asked for a log that is behind
        earlier = await self._accounts.history_read(self._log_account)
        tips = await self._settled(earlier.height if earlier else None, show)
        reading = await self._reader.read("finalized", tips, failures=True)
        if not enough(len(reading.read), self._reader.configured):
            raise ChainUnavailableError("; ".join(reading.problems))
        found = sorted(reading.found.values(), key=lambda one: one.slot)
        stored = await self._foreign.record(self._account_id, found)
        await self._foreign.settle(self._account_id)
        reclaims = await self._reclaims.record(self._account_id, list(reading.reclaims.values()))
        height = min(tips[name].height for name in reading.read)
        read = WalletHistoryRead(
            epoch=behind.epoch,
            wallet=wallet,
            height=height,
            endpoints=tuple(sorted(reading.read)),
            executed=sum(not one.failed for one in stored),
        )
        if stored or reclaims or earlier is None:
            await self._accounts.record_history_read(self._log_account, read)
        return Outside(tuple(stored), tuple(reclaims), {name: tips[name] for name in reading.read})

    async def _settled(self, height: int | None, show: Show) -> Mapping[str, Tip]:
        """How far the endpoints have come, enough of them past the last height at which anything may land."""
        if height is None:
            newest = await self._answered(await self._reader.tips("confirmed", patience=PATIENCE_S))
            height = max(tip.height for tip in newest.values()) + BLOCKHASH_LIFE
        while True:
            tips = await self._answered(await self._reader.tips("finalized", patience=PATIENCE_S))
            past = {name: tip for name, tip in tips.items() if tip.height > height}
            if enough(len(past), self._reader.configured):
                return past
            show(height + 1 - min(tip.height for tip in tips.values()))
            await asyncio.sleep(LOOK_EVERY_S)

    async def _answered(self, tips: Mapping[str, Tip]) -> Mapping[str, Tip]:
        if not enough(len(tips), self._reader.configured):
            raise ChainUnavailableError(
                f"{len(tips)} of {self._reader.configured} endpoints answer and serve the log's chain: too few"
            )
        return tips
