"""What the three stages share: a batch is loaded in one query, its orders are worked on at once, each fails alone."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import psycopg
import structlog

from commands.errors import GuardFailedError
from commands.loaded_order import LoadedOrder
from commands.orders import Guards, OrderRepository
from domain.codes import Code, meaning
from domain.commands import GiveUp, OrderCommand
from domain.errors import NotApplicableError
from domain.order import Order
from workers.dead_letters import DeadLetterQueue
from workers.dispatch.next_work import Stage
from workers.dispatch.work import WorkTable
from workers.errors import TRANSIENT_ERRORS
from workers.metrics import STAGE_ORDERS, STAGE_SECONDS

log = structlog.get_logger(__name__)

Job = (
    tuple[LoadedOrder, Coroutine[Any, Any, OrderCommand]]
    | tuple[LoadedOrder, Coroutine[Any, Any, OrderCommand], Guards]
)


class StageRunner(ABC):
    """One stage. ``clock`` gives the time, UTC."""

    stage: ClassVar[Stage]

    def __init__(self, orders: OrderRepository, work: WorkTable, clock: Callable[[], datetime]) -> None:
        self._orders = orders
        self._work = work
        self._clock = clock
        self._dead_letters = DeadLetterQueue(work.pool, self.stage)
        self._at_work: set[UUID] = set()

    async def run(self, order_ids: Sequence[UUID]) -> None:
        """Work on those of ``order_ids`` that are at this stage; hints for any other are passed over.

        So are those for orders this process is at work on: a slow stage is hinted at again.
        """
        fresh = set(order_ids) - self._at_work
        if not fresh:
            return
        self._at_work |= fresh
        try:
            await self._run(list(fresh))
        finally:
            self._at_work -= fresh

    async def _run(self, order_ids: Sequence[UUID]) -> None:
        with STAGE_SECONDS.labels(self.stage).time():
            loaded = await self._orders.load(order_ids)
            for order_id, error in loaded.unreadable.items():
                self._count("unreadable")
                await self._dead_letters.add_unreadable(order_id, error)
            mine = [one for one in loaded.histories.values() if one.order and self.applies(one.order)]
            if mine:
                await self.work_on(mine)

    @abstractmethod
    def applies(self, order: Order) -> bool:
        """Whether ``order`` waits for this stage."""

    @abstractmethod
    async def work_on(self, histories: Sequence[LoadedOrder]) -> None:
        """Ask the world and hand what was learned to commands."""

    async def each(self, jobs: Sequence[Job]) -> None:
        """Finish every job by itself: a slow or failing order neither holds back nor fails its neighbours."""
        await asyncio.gather(*(self._one(*job) for job in jobs))

    async def _one(self, history: LoadedOrder, job: Coroutine[Any, Any, OrderCommand], guards: Guards = ()) -> None:
        try:
            outcome = await self._worked(history, job, guards)
        except NotApplicableError:
            outcome = "moved_on"
        except TRANSIENT_ERRORS as error:
            outcome = "unreachable"
            log.warning("stage waits", stage=self.stage, order_id=str(history.order_id), error=type(error).__name__)
        except Exception as error:
            outcome = "failed"
            log.error("stage failed", stage=self.stage, order_id=str(history.order_id), exc_info=error)
            await self._failed(history, error)
        finally:
            self._at_work.discard(history.order_id)
        self._count(outcome)

    async def _worked(self, history: LoadedOrder, job: Coroutine[Any, Any, OrderCommand], guards: Guards) -> str:
        """Record what the job found out; where it could find out nothing the order still ends by its deadline."""
        defect: Exception | None = None
        try:
            command = await job
        except TRANSIENT_ERRORS as error:
            log.warning("chain unavailable", stage=self.stage, order_id=str(history.order_id), reason=str(error)[:200])
            command = self._give_up(Code.CHAIN_UNAVAILABLE)
        except Exception as error:  # noqa: BLE001 - raised again once the deadline had its say
            defect, command = error, self._give_up(Code.DEADLINE_PASSED)
        try:
            # It learned for one state: a worker that stood still wakes with quotes, or a signature, of an old one.
            after = await self._orders.execute(history, command, guards=guards, decide_again=False)
        except GuardFailedError:
            await self._work.postpone(history.order_id, self.stage, history.version)
            return "guard_failed"
        except NotApplicableError:
            if defect:  # a live attempt can't be given up, whatever keeps it from being sent
                raise defect from None
            raise
        if after.version == history.version:
            await self._work.postpone(history.order_id, self.stage, history.version)
            if defect:
                raise defect
            return "postponed"
        await self._dead_letters.remove(history.order_id)
        return "advanced"

    async def _failed(self, history: LoadedOrder, error: Exception) -> None:
        """A defect, ours or a venue's: tried again by its due time, and not for ever.

        While the order's deadline can still end it, or let it rest, it isn't set aside: I1 counts that as stuck.
        """
        order = history.order
        if order and order.live_attempt is None and order.deadline and self._clock() < order.deadline:
            return
        try:
            await self._dead_letters.count_failure(history.order_id, history.version, error)
        except psycopg.Error as uncounted:
            log.warning("failure not counted", order_id=str(history.order_id), error=type(uncounted).__name__)

    def _give_up(self, code: Code) -> GiveUp:
        return GiveUp(code, meaning(code).sentence, self._clock())

    def _count(self, outcome: str) -> None:
        STAGE_ORDERS.labels(self.stage, outcome).inc()
