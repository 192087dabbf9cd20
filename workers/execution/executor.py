"""Visits orders by their ids: each at most once at a time, each by itself, so that a slow or failing one holds up
nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from datetime import datetime
from uuid import UUID

import psycopg
import structlog

from chains.panics import panics_raised
from commands.errors import GuardFailedError
from commands.loaded_order import LoadedOrder
from domain.codes import Code
from domain.errors import NotApplicableError
from domain.next_step import next_step
from workers.dead_letters import DeadLetterQueue
from workers.dispatch.work import EXECUTION, WorkTable
from workers.errors import TRANSIENT_ERRORS
from workers.execution.account_visits import AccountVisits
from workers.execution.visit import Visit
from workers.metrics import VISIT_SECONDS, VISITS

log = structlog.get_logger(__name__)

# Past this many orders at work the queue waits in Valkey rather than here.
MOST_AT_WORK = 20_000


class Executor:
    """Runs on the loop it is made on. ``take`` is what messages from the queue call."""

    def __init__(self, visit: Visit | AccountVisits, work: WorkTable) -> None:
        self._visit = visit
        self._work = work
        self._dead_letters = DeadLetterQueue(work.pool, EXECUTION)
        self._at_work: dict[UUID, bool] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()
        self._room.set()

    async def take(self, order_ids: Sequence[UUID]) -> None:
        """Begin to visit those of ``order_ids`` that aren't at work; an id that is at work is looked at again after.

        Returns as soon as they have begun, or when there is room for them.
        """
        await self._room.wait()
        fresh = []
        for order_id in order_ids:
            if order_id in self._at_work:
                self._at_work[order_id] = True
            else:
                self._at_work[order_id] = False
                fresh.append(order_id)
        if fresh:
            self._spawn(self._begin(fresh))
        if len(self._at_work) >= MOST_AT_WORK:
            self._room.clear()

    async def settled(self) -> None:
        """Return once nothing is at work."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def stop(self) -> None:
        """End what is under way. Whatever was sent is in the log; whatever wasn't comes due again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _begin(self, order_ids: Sequence[UUID]) -> None:
        """Know them all, by one query where memory doesn't, and visit each."""
        try:
            loaded = await self._visit.orders.known(order_ids)
            for order_id, error in loaded.unreadable.items():
                VISITS.labels("unreadable").inc()
                await self._dead_letters.add_unreadable(order_id, error)
        except TRANSIENT_ERRORS as error:
            # Their rows come due again.
            log.warning("orders can't be read", orders=len(order_ids), error=type(error).__name__)
            self._done(order_ids)
            return
        except Exception as error:
            log.error("orders can't be read", orders=len(order_ids), exc_info=error)
            self._done(order_ids)
            return
        self._done([order_id for order_id in order_ids if order_id not in loaded.orders])
        for one in loaded.orders.values():
            self._spawn(self._one(one))

    async def _one(self, loaded: LoadedOrder) -> None:
        try:
            with VISIT_SECONDS.time():
                outcome = await self._visited(loaded)
        except NotApplicableError:
            outcome = "moved_on"
        except TRANSIENT_ERRORS as error:
            outcome = "unreachable"
            log.warning("visit waits", order_id=str(loaded.order_id), error=type(error).__name__)
        except Exception as error:
            outcome = "failed"
            log.error("visit failed", order_id=str(loaded.order_id), exc_info=error)
            await self._failed(loaded, error)
        finally:
            again = self._done([loaded.order_id])
        VISITS.labels(outcome).inc()
        if again:
            await self.take(again)

    async def _visited(self, loaded: LoadedOrder) -> str:
        """Visit; where nothing could be found out the order still ends by its deadline."""
        defect: Exception | None = None
        try:
            with panics_raised():
                after = await self._visit.run(loaded)
        except NotApplicableError:
            raise
        except GuardFailedError:
            await self._work.postpone(loaded.order_id, loaded.version)
            return "guard_failed"
        except TRANSIENT_ERRORS as error:
            log.warning("visit interrupted", order_id=str(loaded.order_id), reason=str(error)[:200])
            after = await self._give_up(loaded, Code.CHAIN_UNAVAILABLE)
        except Exception as error:  # noqa: BLE001 - raised again once the deadline had its say
            defect = error
            try:
                after = await self._give_up(loaded, Code.DEADLINE_PASSED)
            except NotApplicableError:
                # A live attempt can't be given up, whatever keeps it from being sent.
                raise defect from None
        if after.version == loaded.version:
            if _is_done_with(loaded, self._visit.clock()):
                await self._work.finish(loaded.order_id, loaded.version)
            else:
                await self._work.postpone(loaded.order_id, loaded.version)
            if defect:
                raise defect
            return "postponed"
        await self._dead_letters.remove(loaded.order_id)
        return "advanced"

    async def _give_up(self, loaded: LoadedOrder, code: Code) -> LoadedOrder:
        """The order ended or at rest, if its time is over; as it was while a halt holds it, or where one comes."""
        order, trading = loaded.order, self._visit.trading
        # What interrupted the visit may have been this very question.
        state = await trading.of(loaded.account_id)
        if order is None or state.behind or state.forbids(order.side):
            return loaded
        guards = trading.guards(loaded.account_id, state)
        try:
            return await self._visit.orders.execute(
                loaded, self._visit.give_up(code), guards=guards, decide_again=False
            )
        except GuardFailedError:
            trading.forget(loaded.account_id)
            return loaded

    async def _failed(self, loaded: LoadedOrder, error: Exception) -> None:
        """A defect, ours or a venue's: tried again by its due time, and not for ever.

        While the order's deadline can still end it, or let it rest, it isn't set aside: I1 counts that as stuck.
        """
        order = loaded.order
        if order and order.live_attempt is None and order.deadline and self._visit.clock() < order.deadline:
            return
        try:
            await self._dead_letters.count_failure(loaded.order_id, loaded.version, error)
        except psycopg.Error as uncounted:
            log.warning("failure not counted", order_id=str(loaded.order_id), error=type(uncounted).__name__)

    def _done(self, order_ids: Sequence[UUID]) -> list[UUID]:
        """They are at work no more; those of them that were asked for meanwhile."""
        again = [order_id for order_id in order_ids if self._at_work.pop(order_id, False)]
        if len(self._at_work) < MOST_AT_WORK:
            self._room.set()
        return again

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _is_done_with(loaded: LoadedOrder, now: datetime) -> bool:
    """Whether the execution has nothing to do for the order: it rests, ended, or the tracker has it."""
    return loaded.order is None or next_step(loaded.order, now) in (None, "replace")
