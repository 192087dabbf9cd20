"""The transaction that joins those that nobody sees: another swap, or a cancel.

They all make the order's guard, so one of them succeeds at most; the others cost a fee if they land at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from chains.protocol import Chain
from commands.ids import made_at
from commands.loaded_order import LoadedOrder
from domain.commands import RecordBuilt, RecordQuotes, ReplaceSwap
from domain.decide_built import live
from domain.decide_route import route_of
from domain.evolve import evolve
from domain.order import Attempt, Order
from domain.trading_state import AccountTrading
from workers.execution.builder import Builder
from workers.execution.quoting import Quoting
from workers.execution.recording import Recording
from workers.metrics import JOINED

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Joining:
    """``replace_after`` is how long a transaction is waited for before the first joins it; each next one waits twice as
    long. ``clock`` gives the time, UTC.
    """

    recording: Recording
    quoting: Quoting
    builder: Builder
    chain: Chain
    clock: Callable[[], datetime]
    replace_after: timedelta

    async def swap(self, loaded: LoadedOrder, order: Order, trading: AccountTrading) -> LoadedOrder:
        """One more swap, for the best quote of now within the order's minimum; nothing where none meets it."""
        swaps = live(order, "swap")
        if not self._has_waited(loaded, len(swaps)) or not await self._are_unseen(order.live_attempts):
            return loaded
        answers = await self.quoting.ask(order, trading.refused_venues(order.side))
        quoted = RecordQuotes(answers.quotes, answers.refusals, self.clock())
        routed = route_of(order, quoted)
        if routed is None:
            return loaded
        built = await self.builder.build(loaded.order_id, evolve(order, routed), answers.offer(routed.chosen))
        if not isinstance(built, RecordBuilt):
            log.info("no swap joins", order_id=str(loaded.order_id), code=built.code, reason=built.detail)
            return loaded
        after = await self.recording.record_signed(loaded, trading, ReplaceSwap(quoted, built))
        JOINED.labels("swap").inc()
        return after

    async def cancel(self, loaded: LoadedOrder, order: Order, trading: AccountTrading) -> LoadedOrder:
        """A cancel beside what may still land; where the wallet can't pay for one, evidence ends the order."""
        cancels = live(order, "cancel")
        if cancels and not (self._has_waited(loaded, len(cancels)) and await self._are_unseen(order.live_attempts)):
            return loaded
        built = await self.builder.build_cancel(loaded.order_id, order)
        if built is None:
            return loaded
        after = await self.recording.record_signed(loaded, trading, built)
        JOINED.labels("cancel").inc()
        return after

    def _has_waited(self, loaded: LoadedOrder, count: int) -> bool:
        """Whether nothing has been recorded for as long as ``count`` live transactions are waited for."""
        recorded = made_at(loaded.last_event_id) if loaded.last_event_id else None
        return recorded is None or self.clock() - recorded >= self.replace_after * 2 ** (count - 1)

    async def _are_unseen(self, attempts: tuple[Attempt, ...]) -> bool:
        """Whether statuses newer than their sends show none of them; a node whose statuses lag proves nothing."""
        fresh = await self.chain.latest_blockhash()
        statuses = await self.chain.statuses([attempt.signature for attempt in attempts])
        is_newer = statuses.slot >= fresh.slot > max(attempt.blockhash_slot for attempt in attempts)
        return is_newer and not any(statuses.found)
