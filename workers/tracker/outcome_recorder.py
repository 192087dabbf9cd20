"""Recording what the tracker learned. What fails for one attempt concerns no other, and is tried ever more slowly.

An attempt is tracked on whatever fails: its order says what stands in the way, and after a few failures in a row it is
among the dead letters, too.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVarTuple
from uuid import UUID

import psycopg
import structlog

from commands.accounts import Accounts, FinalityTold
from commands.closed_elsewhere import ClosedElsewhere
from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from commands.trading import TradingStates
from domain.account import Contradiction, ContradictionFound
from domain.backoff import Backoff
from domain.commands import OrderCommand
from domain.errors import DomainError, LandedAfterEndError, NotApplicableError
from domain.order import Order
from event_store.errors import LeaseLostError, UnreadableEventError
from event_store.processors.leases import Lease
from workers.dead_letters import DeadLetterQueue
from workers.dispatch.work import WorkTable
from workers.errors import TRANSIENT_ERRORS, error_code
from workers.metrics import CONTRADICTIONS
from workers.tracker.tracked_attempt import TrackedAttempt
from workers.tracker.tracked_attempts import TrackedAttempts

log = structlog.get_logger(__name__)

Arguments = TypeVarTuple("Arguments")

BACKOFF = Backoff(first=timedelta(seconds=0.1), longest=timedelta(seconds=5))


class OutcomeRecorder:
    """Hands what was learned of attempts to commands, under the tracker's lease."""

    def __init__(
        self,
        orders: OrderRepository,
        accounts: Accounts,
        closed: ClosedElsewhere,
        trading: TradingStates,
        work: WorkTable,
        tracked: TrackedAttempts,
        dead_letters: DeadLetterQueue,
    ) -> None:
        self._orders = orders
        self._accounts = accounts
        self._closed = closed
        self._trading = trading
        self._work = work
        self._tracked = tracked
        self._dead_letters = dead_letters

    async def isolate(
        self, attempt: TrackedAttempt, step: Callable[[*Arguments], Awaitable[None]], *arguments: *Arguments
    ) -> bool:
        """Do ``step`` with ``arguments``; whether it was done.

        Any failure of it stays with this attempt; only ``LeaseLostError`` is raised.
        """
        try:
            await step(*arguments)
        except LeaseLostError:
            raise
        except TRANSIENT_ERRORS as error:
            log.warning(
                "not done yet", order_id=str(attempt.order_id), error=type(error).__name__, reason=str(error)[:200]
            )
            return False
        except Exception as error:
            if attempt.schedule.failures == 0:
                known = error if isinstance(error, DomainError | UnreadableEventError) else None
                log.error(
                    "attempt not dealt with; tried again more slowly",
                    order_id=str(attempt.order_id), attempt=attempt.number,
                    error=error_code(error), reason=str(known) if known else None, exc_info=None if known else error,
                )  # fmt: skip
            await self._record_failure(attempt, error)
            return False
        return True

    async def load(self, attempts: Sequence[TrackedAttempt]) -> dict[UUID, LoadedOrder]:
        """The attempts' orders; one that can't be read is missing, and what was learned of its attempts has to wait."""
        if not attempts:
            return {}
        loaded = await self._orders.known([attempt.order_id for attempt in attempts])
        for attempt in attempts:
            if error := loaded.unreadable.get(attempt.order_id):
                await self.isolate(attempt, _raise, error)
        return loaded.orders

    async def sharing(self, attempt: TrackedAttempt) -> list[Order]:
        """The other orders that share the guard of the attempt's order, as far as they can be read."""
        if attempt.order.leg is None or not (others := attempt.order.leg.sharing):
            return []
        loaded = await self._orders.known(others)
        return [history.order for history in loaded.orders.values() if history.order]

    async def record(self, lease: Lease, attempt: TrackedAttempt, history: LoadedOrder, command: OrderCommand) -> bool:
        """Record what was learned of the attempt; whether it is recorded now, or was before."""
        return await self.isolate(attempt, self._record, lease, attempt, history, command)

    async def _record(self, lease: Lease, attempt: TrackedAttempt, history: LoadedOrder, command: OrderCommand) -> None:
        try:
            history = await self._orders.execute(history, command, guards=(lease.guard,))
        except NotApplicableError:
            pass  # The order has moved on, and nothing is left to record.
        except LandedAfterEndError as contradiction:
            await self._record_contradiction(lease, attempt, contradiction.kind, contradiction.detail)
            attempt.schedule.finish()
            return
        await self.make_certain(attempt)
        await self._dead_letters.remove(attempt.order_id)
        self._tracked.update(history)

    async def report_unknown(self, attempt: TrackedAttempt, reason: str, *, patience: float, repeat: float) -> None:
        """Let its order say why something isn't known of the attempt, once it was tracked for ``patience`` seconds, and
        again every ``repeat`` seconds.
        """
        now = time.monotonic()
        if attempt.schedule.is_report_due(now, patience):
            attempt.schedule.reported(now, repeat)
            attempt.schedule.expiry_unproven()
            await self._work.record_uncertainty(attempt.order_id, attempt.number, reason, permanent=False)

    async def make_certain(self, attempt: TrackedAttempt) -> None:
        """Take back what its order says of what isn't known of the attempt."""
        if attempt.schedule.uncertain:
            await self._work.clear_uncertainty(attempt.order_id, attempt.number)
            attempt.schedule.recorded()

    async def record_contradiction(
        self, lease: Lease, attempt: TrackedAttempt, kind: Contradiction, detail: str
    ) -> bool:
        """Record that the chain contradicts the log and halt the account, once; returns whether that was done.

        Nothing more is signed for the account until an operator has looked.
        """
        return await self.isolate(attempt, self._record_contradiction, lease, attempt, kind, detail)

    async def finality_told(self, attempt: TrackedAttempt) -> FinalityTold | None:
        """What an operator has said of a confirmed attempt: that it stands, or that it was lost."""
        return await self._accounts.finality_told(attempt.account_id, attempt.signature)

    async def is_closed_elsewhere(self, attempt: TrackedAttempt) -> bool:
        """Whether a reclaim that this log did not sign has closed the attempt's guard: that it isn't there proves
        nothing.
        """
        trading = await self._trading.of(attempt.account_id)
        return attempt.attempt.guard in await self._closed.of(attempt.account_id, trading)

    async def _record_contradiction(
        self, lease: Lease, attempt: TrackedAttempt, kind: Contradiction, detail: str
    ) -> None:
        found = ContradictionFound(
            kind=kind, order_id=attempt.order_id, attempt=attempt.number, signature=attempt.signature, detail=detail
        )
        if await self._accounts.contradict(attempt.account_id, found, guards=(lease.guard,)):
            CONTRADICTIONS.inc()
            log.critical("the chain contradicts the log; trading halted", order_id=str(attempt.order_id), kind=kind)

    async def _record_failure(self, attempt: TrackedAttempt, error: Exception) -> None:
        attempt.schedule.failed(time.monotonic(), BACKOFF)
        if isinstance(error, DomainError):
            reason = error.detail
        else:
            reason = f"what became of it can't be recorded: {error_code(error)}"
        try:
            await self._work.record_uncertainty(attempt.order_id, attempt.number, reason, permanent=False)
            await self._dead_letters.count_failure(attempt.order_id, attempt.version, error)
        except psycopg.Error as uncounted:
            log.warning("failure not counted", order_id=str(attempt.order_id), error=type(uncounted).__name__)


async def _raise(error: Exception) -> None:
    raise error
