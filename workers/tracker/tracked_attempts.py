"""The set of signatures the tracker follows, kept in step with the log."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from uuid import UUID

import structlog

from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from domain import events as e
from event_store.types import EventHeader
from workers.dead_letters import DeadLetterQueue
from workers.dispatch.work import WorkTable
from workers.tracker.tracked_attempt import TrackedAttempt, followed

log = structlog.get_logger(__name__)

_CHANGES = frozenset(
    event.TOPIC
    for event in (
        e.TransactionBuilt,
        e.TransactionSubmitted,
        e.AttemptRejected,
        e.AttemptExpired,
        e.OrderConfirmed,
        e.OrderFailed,
    )
)


class TrackedAttempts:
    """By order, the attempts that may still land or aren't finalized."""

    def __init__(self, orders: OrderRepository, work: WorkTable, dead_letters: DeadLetterQueue) -> None:
        self._orders = orders
        self._work = work
        self._dead_letters = dead_letters
        self._by_order: dict[UUID, list[TrackedAttempt]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._by_order.values()))

    def any(self) -> bool:
        return bool(self._by_order)

    def those(self, *, confirmed: bool) -> list[TrackedAttempt]:
        return [one for several in self._by_order.values() for one in several if one.confirmed == confirmed]

    async def restore(self) -> int:
        """Follow what the work table says; returns the position from which the log must be read on."""
        await self._dead_letters.refresh()
        position, order_ids = await self._work.tracked()
        await self._follow(order_ids)
        return position

    async def reconcile(self) -> None:
        """Follow rows that didn't come by the log: those that were derived again, and orders that could not be read."""
        await self._dead_letters.refresh()
        _, order_ids = await self._work.tracked()
        await self._follow([order_id for order_id in order_ids if order_id not in self._by_order])

    async def take_in(self, batch: Iterable[EventHeader]) -> None:
        changes = [event for event in batch if event.topic in _CHANGES]
        for event in changes:
            if event.topic == e.TransactionSubmitted.TOPIC:
                self._sent(event)
        await self._follow(list({event.stream_id for event in changes if self._is_news(event)}))

    def _sent(self, event: EventHeader) -> None:
        """Nothing has to be read for it, where what came before is known: sent was the live attempt, the last one."""
        several = self._by_order.get(event.stream_id, [])
        if several and several[-1].version == event.version - 1:
            several[-1].submitted = True
            for one in several:
                one.version = event.version

    def _is_news(self, event: EventHeader) -> bool:
        """Not what the tracker itself has recorded, or has read with what came before it."""
        return all(one.version < event.version for one in self._by_order.get(event.stream_id, ()))

    def update(self, history: LoadedOrder) -> None:
        """Follow what ``history`` says is to be followed. One older than what is known changes nothing."""
        known = {one.attempt: one for one in self._by_order.get(history.order_id, ())}
        if any(one.version > history.version for one in known.values()):
            return
        fresh = list(followed(history, time.monotonic()))
        for one in fresh:
            if before := known.get(one.attempt):
                one.last_send, one.next_proof, one.finalized = before.last_send, before.next_proof, before.finalized
                one.since, one.next_said = before.since, before.next_said
                one.uncertain = before.uncertain
        if fresh:
            self._by_order[history.order_id] = fresh
        else:
            self._by_order.pop(history.order_id, None)

    async def forget_finalized(self) -> None:
        """Let go of orders all of whose signatures are finalized."""
        done = {
            order_id: several[0].version
            for order_id, several in self._by_order.items()
            if all(one.finalized for one in several)
        }
        if done:
            await self._work.untrack(done)
            for order_id in done:
                self._by_order.pop(order_id, None)

    async def _follow(self, order_ids: Sequence[UUID]) -> None:
        if not order_ids:
            return
        loaded = await self._orders.load(order_ids)
        for order_id, error in loaded.unreadable.items():
            await self._dead_letters.unreadable(order_id, error)
        broken = [order_id for order_id, history in loaded.histories.items() if not await self._updated(history)]
        gone = {i: h.version for i, h in loaded.histories.items() if i not in self._by_order and i not in broken}
        if gone:
            await self._work.untrack(gone)

    async def _updated(self, history: LoadedOrder) -> bool:
        """Whether the order could be followed; one that can't keeps its row."""
        try:
            self.update(history)
        except Exception as error:
            log.error("order can't be followed", order_id=str(history.order_id), exc_info=error)
            await self._dead_letters.failed(history.order_id, history.version, error)
            return False
        await self._dead_letters.readable(history.order_id)
        return True
