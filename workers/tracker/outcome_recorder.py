"""Recording what the tracker learned: one attempt's failure stays with its order, and is tried again ever more slowly.

Whatever fails, the attempt is followed on: what stands in its way is said with the order, and after a few times in a
row the order is among the dead letters too.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Sequence
from datetime import timedelta
from uuid import UUID

import psycopg
import structlog

from commands.accounts import Accounts
from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from domain.account import Contradiction, ContradictionFound
from domain.backoff import Backoff
from domain.commands import OrderCommand
from domain.errors import DomainError, LandedAfterEndError, NotApplicableError
from event_store.errors import LeaseLostError, UnreadableEventError
from event_store.processors.leases import Lease
from workers.dead_letters import DeadLetterQueue, kind
from workers.dispatch.work import WorkTable
from workers.metrics import CONTRADICTIONS
from workers.tracker.tracked_attempt import TrackedAttempt
from workers.tracker.tracked_attempts import TrackedAttempts
from workers.transient_errors import TRANSIENT_ERRORS

log = structlog.get_logger(__name__)

BACKOFF = Backoff(first=timedelta(seconds=0.1), longest=timedelta(seconds=5))


class OutcomeRecorder:
    """Hands what was learned of attempts to commands, under the tracker's lease."""

    def __init__(
        self,
        orders: OrderRepository,
        accounts: Accounts,
        work: WorkTable,
        following: TrackedAttempts,
        dead_letters: DeadLetterQueue,
    ) -> None:
        self._orders = orders
        self._accounts = accounts
        self._work = work
        self._tracked = following
        self._dead_letters = dead_letters

    async def safely(self, one: TrackedAttempt, step: Awaitable[None]) -> bool:
        """Whether ``step`` was done: what goes wrong with one attempt stays with it, but for ``LeaseLostError``."""
        try:
            await step
        except LeaseLostError:
            raise
        except TRANSIENT_ERRORS as error:
            log.warning("not done yet", order_id=str(one.order_id), error=type(error).__name__, reason=str(error)[:200])
            return False
        except Exception as error:
            if one.failures == 0:
                known = error if isinstance(error, DomainError | UnreadableEventError) else None
                log.error(
                    "attempt not dealt with; tried again more slowly", order_id=str(one.order_id), attempt=one.attempt,
                    error=kind(error), reason=str(known) if known else None, exc_info=None if known else error,
                )  # fmt: skip
            await self._failed(one, error)
            return False
        return True

    async def histories(self, followed: Sequence[TrackedAttempt]) -> dict[UUID, LoadedOrder]:
        """The orders that can be read; what was learned of the attempts of another has to wait."""
        if not followed:
            return {}
        loaded = await self._orders.load([one.order_id for one in followed])
        for one in followed:
            if error := loaded.unreadable.get(one.order_id):
                await self.safely(one, _raised(error))
        return loaded.histories

    async def tell(self, lease: Lease, one: TrackedAttempt, history: LoadedOrder, command: OrderCommand) -> None:
        """Record what was learned."""
        await self.safely(one, self._tell(lease, one, history, command))

    async def _tell(self, lease: Lease, one: TrackedAttempt, history: LoadedOrder, command: OrderCommand) -> None:
        try:
            history = await self._orders.execute(history, command, guards=(lease.guard,))
        except NotApplicableError:
            pass  # the order has moved on: what is followed is what it says now
        except LandedAfterEndError as contradiction:
            await self._contradicted(lease, one, contradiction.kind, contradiction.detail)
            one.finalized = True
            return
        if one.uncertain:
            one.failures, one.uncertain = 0, False
            await self._work.clear_uncertainty(one.order_id, one.attempt)
        await self._dead_letters.handled(one.order_id)
        self._tracked.update(history)

    async def contradicted(self, lease: Lease, one: TrackedAttempt, kind: Contradiction, detail: str) -> bool:
        """Note it and halt the account, once; nothing more is signed until an operator has looked."""
        return await self.safely(one, self._contradicted(lease, one, kind, detail))

    async def _contradicted(self, lease: Lease, one: TrackedAttempt, kind: Contradiction, detail: str) -> None:
        found = ContradictionFound(
            kind=kind, order_id=one.order_id, attempt=one.attempt, signature=one.signature, detail=detail
        )
        if await self._accounts.contradict(one.account_id, found, guards=(lease.guard,)):
            CONTRADICTIONS.inc()
            log.critical("the chain contradicts the log; trading halted", order_id=str(one.order_id), kind=kind)

    async def _failed(self, one: TrackedAttempt, error: Exception) -> None:
        one.failures += 1
        one.not_before = time.monotonic() + BACKOFF.after(one.failures).total_seconds()
        one.uncertain = True
        reason = (
            error.detail if isinstance(error, DomainError) else f"what became of it can't be recorded: {kind(error)}"
        )
        try:
            await self._work.record_uncertainty(one.order_id, one.attempt, reason, permanent=False)
            await self._dead_letters.failed(one.order_id, one.version, error)
        except psycopg.Error as uncounted:
            log.warning("failure not counted", order_id=str(one.order_id), error=type(uncounted).__name__)


async def _raised(error: Exception) -> None:
    raise error
