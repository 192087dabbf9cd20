"""The attempts the tracker follows, kept in step with the log."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

import structlog
from msgspec.structs import replace

from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from domain import events as e
from event_store.types import PositionedEvent
from workers.dead_letters import DeadLetterQueue
from workers.dispatch.work import WorkTable
from workers.tracker.schedule import Schedule
from workers.tracker.tracked_attempt import TrackedAttempt, attempts_to_track

log = structlog.get_logger(__name__)

# The events after which there is another attempt to track, or one less, or an attempt's state is another.
_CHANGES = frozenset(
    event.TOPIC
    for event in (
        e.BuildRejected,
        e.TransactionBuilt,
        e.TransactionSubmitted,
        e.AttemptRejected,
        e.AttemptExpired,
        e.OrderConfirmed,
        e.OrderFailed,
        e.CancelRequested,
        e.OrderCancelled,
        e.OrderRested,
        e.OrderRestated,
    )
)


class TrackedAttempts:
    """By order, the attempts that may still land or aren't finalized yet. The only place that replaces them."""

    def __init__(self, orders: OrderRepository, work: WorkTable, dead_letters: DeadLetterQueue) -> None:
        self._orders = orders
        self._work = work
        self._dead_letters = dead_letters
        self._by_order: dict[UUID, list[TrackedAttempt]] = {}
        # Attempts that are over, while their orders still say that their outcome isn't known.
        self._ended: list[TrackedAttempt] = []

    def __len__(self) -> int:
        return sum(map(len, self._by_order.values()))

    def select(self, *, ended: bool) -> list[TrackedAttempt]:
        """The attempts that open orders wait for, or those of the orders that have ended: the one that confirmed its
        order, until it is final, and those that may still land after that.
        """
        # In one step: thousands are looked through ten times a second.
        return [
            one
            for attempts in self._by_order.values()
            for one in attempts
            if one.order_ended == ended and not (one.watched or one.schedule.finished)
        ]

    def watched(self) -> list[TrackedAttempt]:
        """Those that stand for an order whose guard is watched, the longest known first."""
        return [one for one in self._all() if one.watched]

    def losers(self) -> list[TrackedAttempt]:
        """Those that may still land after the end of their order, the longest known first."""
        return [one for one in self._all() if one.order_ended and not (one.confirmed or one.watched)]

    def _all(self) -> Iterator[TrackedAttempt]:
        return (attempt for attempts in self._by_order.values() for attempt in attempts)

    def of_order(self, order_id: UUID) -> list[TrackedAttempt]:
        return self._by_order.get(order_id, [])

    def by_order(self) -> list[list[TrackedAttempt]]:
        """The attempts of each order."""
        return list(self._by_order.values())

    async def restore(self) -> int:
        """Track what the work table says; returns the position from which the log must be read on."""
        await self._dead_letters.refresh()
        position, order_ids = await self._work.tracked()
        await self._load(order_ids)
        return position

    async def reconcile(self) -> None:
        """Track the work table's orders that aren't tracked: rows that were derived anew, orders that were unreadable.

        None of them comes by the log's tail again.
        """
        await self._dead_letters.refresh()
        _, order_ids = await self._work.tracked()
        await self._load([order_id for order_id in order_ids if order_id not in self._by_order])

    async def apply(self, batch: Iterable[PositionedEvent]) -> None:
        """Bring the attempts up to date with a batch of events from the log's tail."""
        changes = [event for event in batch if event.topic in _CHANGES]
        for event in changes:
            if event.topic == e.TransactionSubmitted.TOPIC:
                self._mark_submitted(event)
        await self._load(list({event.stream_id for event in changes if self._is_newer(event)}))

    def _mark_submitted(self, event: PositionedEvent) -> None:
        """Nothing has to be read where the event directly follows what is known: the last attempt was sent."""
        attempts = self._by_order.get(event.stream_id, [])
        if attempts and attempts[-1].version == event.version - 1:
            *others, last = attempts
            attempts[:] = [replace(attempt, version=event.version) for attempt in others]
            attempts.append(replace(last, version=event.version, submitted=True))

    def _is_newer(self, event: PositionedEvent) -> bool:
        """Whether the event is unknown here: not recorded by the tracker itself, nor read with what came before it."""
        return all(attempt.version < event.version for attempt in self._by_order.get(event.stream_id, ()))

    def update(self, history: LoadedOrder) -> None:
        """Track the attempts of ``history``, each with the schedule it had. An older history changes nothing."""
        known = {attempt.number: attempt for attempt in self._by_order.get(history.order_id, ())}
        if any(attempt.version > history.version for attempt in known.values()):
            return
        # Who recorded an event and who follows the log both come with it.
        if known and all(attempt.order is history.order for attempt in known.values()):
            return
        now = time.monotonic()

        def schedule_of(number: int) -> Schedule:
            return known[number].schedule if number in known else Schedule.starting(now)

        attempts = list(attempts_to_track(history, schedule_of))
        going = {attempt.number for attempt in attempts if not (attempt.watched or attempt.by_operator)}
        for before in known.values():
            if before.number not in going and not before.schedule.over:
                self._ended.append(before)
            before.schedule.outcome_is_recorded(before.number not in going)
        if attempts:
            self._by_order[history.order_id] = attempts
        else:
            self._by_order.pop(history.order_id, None)

    async def forget_finished(self) -> None:
        """Let go of the orders all of whose attempts are finished, and take back what was said of attempts that a
        person has ended.
        """
        while self._ended:
            # Two loops come here at the same time: each takes what it clears.
            ended = self._ended.pop()
            if ended.schedule.uncertain:
                try:
                    await self._work.clear_uncertainty(ended.order_id, ended.number)
                except BaseException:
                    self._ended.append(ended)
                    raise
                ended.schedule.recorded()
        finished = {
            order_id: attempts[0].version
            for order_id, attempts in self._by_order.items()
            if attempts[0].schedule.finished and all(attempt.schedule.finished for attempt in attempts)
        }
        if finished:
            await self._work.untrack(finished)
            for order_id in finished:
                self._by_order.pop(order_id, None)

    async def _load(self, order_ids: Sequence[UUID]) -> None:
        """Read the orders and track their attempts; those that have none left lose their row in the work table."""
        if not order_ids:
            return
        loaded = await self._orders.known(order_ids)
        for order_id, error in loaded.unreadable.items():
            await self._dead_letters.add_unreadable(order_id, error)
        broken = [order_id for order_id, history in loaded.orders.items() if not await self._try_update(history)]
        untracked = {
            order_id: history.version
            for order_id, history in loaded.orders.items()
            if order_id not in self._by_order and order_id not in broken
        }
        if untracked:
            await self._work.untrack(untracked)

    async def _try_update(self, history: LoadedOrder) -> bool:
        """Whether the order could be tracked; one that can't keeps its row and becomes a dead letter after a while."""
        try:
            self.update(history)
        except Exception as error:
            log.error("order can't be tracked", order_id=str(history.order_id), exc_info=error)
            await self._dead_letters.count_failure(history.order_id, history.version, error)
            return False
        await self._dead_letters.remove_unreadable(history.order_id)
        return True
