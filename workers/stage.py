"""What the three stages share: a batch is loaded in one query, its orders are worked on at once, each fails alone."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

import structlog

from chains.protocol import ChainUnavailable
from commands.orders import GuardFailedError, Guards, History, Orders
from domain.codes import Code, meaning
from domain.commands import GiveUp, OrderCommand
from domain.errors import NotApplicable
from domain.order import Order
from workers.metrics import STAGE_ORDERS, STAGE_SECONDS
from workers.next_work import Stage
from workers.work import WorkTable

log = structlog.get_logger(__name__)

Job = tuple[History, Coroutine[Any, Any, OrderCommand]] | tuple[History, Coroutine[Any, Any, OrderCommand], Guards]


class StageRunner(ABC):
    """One stage. ``clock`` gives the time, UTC."""

    stage: ClassVar[Stage]

    def __init__(self, orders: Orders, work: WorkTable, clock: Callable[[], datetime]) -> None:
        self._orders = orders
        self._work = work
        self._clock = clock

    async def run(self, order_ids: Sequence[UUID]) -> None:
        """Work on those of ``order_ids`` that are at this stage; hints for any other are passed over."""
        with STAGE_SECONDS.labels(self.stage).time():
            loaded = await self._orders.load(order_ids)
            for order_id, error in loaded.unreadable.items():
                self._count("unreadable")
                log.error("order can't be read; left alone", order_id=str(order_id), error=type(error).__name__)
            mine = [one for one in loaded.histories.values() if one.order and self.applies(one.order)]
            if mine:
                await self.work_on(mine)

    @abstractmethod
    def applies(self, order: Order) -> bool:
        """Whether ``order`` waits for this stage."""

    @abstractmethod
    async def work_on(self, histories: Sequence[History]) -> None:
        """Ask the world and hand what was learned to commands."""

    async def each(self, jobs: Sequence[Job]) -> None:
        """Finish every job by itself: a slow or failing order neither holds back nor fails its neighbours."""
        await asyncio.gather(*(self._one(*job) for job in jobs))

    async def _one(self, history: History, job: Coroutine[Any, Any, OrderCommand], guards: Guards = ()) -> None:
        try:
            command = await self._learned(history, job)
            # A stage learns for one state: a worker that stood still wakes with quotes, or a signature, of an old one.
            after = await self._orders.execute(history, command, guards=guards, decide_again=False)
            if after.version == history.version:
                await self._work.postpone(history.order_id, self.stage, history.version)
            self._count("advanced" if after.version > history.version else "postponed")
        except NotApplicable:
            self._count("moved_on")
        except GuardFailedError:
            self._count("guard_failed")
            await self._work.postpone(history.order_id, self.stage, history.version)
        except Exception as error:
            self._count("failed")
            log.error("stage failed", stage=self.stage, order_id=str(history.order_id), exc_info=error)

    async def _learned(self, history: History, job: Coroutine[Any, Any, OrderCommand]) -> OrderCommand:
        """What the job found out; where it could find out nothing the order still ends by its deadline."""
        try:
            return await job
        except ChainUnavailable as away:
            log.warning("chain unavailable", stage=self.stage, order_id=str(history.order_id), reason=str(away))
            code = Code.CHAIN_UNAVAILABLE
        except Exception as error:
            # A defect, ours or a venue's, must not keep the order open for ever.
            log.error("stage failed", stage=self.stage, order_id=str(history.order_id), exc_info=error)
            code = Code.DEADLINE_PASSED
        return GiveUp(code, meaning(code).sentence, self._clock())

    def _count(self, outcome: str) -> None:
        STAGE_ORDERS.labels(self.stage, outcome).inc()
