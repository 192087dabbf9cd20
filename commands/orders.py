"""Load, decide, append at the expected version; on a conflict load and decide again.

A message is a hint and the version decides, so any number of duplicates at any time changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from commands.cache import OrderCache
from commands.errors import GuardFailedError, TooManyConflictsError
from commands.folded_orders import folded, next_of, queued
from commands.ids import now, uuid7
from commands.kept_events import kept, moves_since
from commands.loaded_order import LoadedOrder
from domain.commands import OrderCommand
from domain.consequences import concerns_others, consequences
from domain.decide import decide
from domain.errors import NotApplicableError
from domain.events import OrderEvent
from domain.evolve import fold
from domain.order import Order
from domain.order_event import BaseOrderEvent
from event_store.append.appender import Appender
from event_store.errors import LeaseLostError, UnreadableEventError
from event_store.mapper import EventMapper
from event_store.read.log import Log
from event_store.types import (
    AlreadyStored,
    AppendRequest,
    Conflict,
    LeaseGuard,
    LeaseLost,
    NewEvent,
    PositionedEvent,
    RecordedEvent,
    Stored,
    StreamGuard,
)

Guards = tuple[StreamGuard | LeaseGuard, ...]

# Each conflict means that somebody else's append got through. This many in a row is a fault, not a race.
MOST_CONFLICTS = 20
ORDER_TOPICS = "order."


@dataclass(frozen=True, slots=True)
class Loaded:
    """Orders that could be read, and those that couldn't: an event of a newer version, or a damaged one.

    No command may decide on an order it can't read whole. What a process has read once it doesn't read again: damage
    to it is for `surefill verify` to find.
    """

    orders: dict[UUID, LoadedOrder]
    unreadable: dict[UUID, UnreadableEventError]


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided of an order already and isn't recorded yet, and the order after it."""

    events: tuple[OrderEvent, ...]
    order: Order


class OrderRepository:
    """The command side's access to order streams. ``recent``: how many open orders it keeps in memory.

    Where it keeps any, ``follow`` is to be told of every event of the log from some position on.
    """

    def __init__(self, log: Log, appender: Appender, mapper: EventMapper, *, recent: int = 0) -> None:
        self._recent = OrderCache(recent)
        self._log = log
        self._appender = appender
        self._mapper = mapper

    def follow(self, events: Sequence[PositionedEvent]) -> None:
        """Bring what is kept up to date with the log's next ``events``; never waits and never raises."""
        if not self._recent.keeps_any:
            return
        for event in events:
            known = self._recent.get(event.stream_id)
            if known is None:
                if event.version != 1 or not event.topic.startswith(ORDER_TOPICS):
                    continue
                known = LoadedOrder(event.stream_id, event.account_id)
            elif event.version <= known.version:
                continue
            try:
                if known.goes_on_with(event):
                    self._recent.keep(next_of(self._mapper, known, event))
                    continue
            except UnreadableEventError:
                pass  # Whoever asks for it reads it from the log, and fails there.
            self._recent.forget(event.stream_id)

    async def known(self, order_ids: Sequence[UUID]) -> Loaded:
        """As ``load``, but what is in memory is taken as it is: for who appends at its version next."""
        kept = self._recent.of(order_ids)
        missing = [order_id for order_id in order_ids if order_id not in kept]
        if not missing:
            return Loaded(kept, {})
        loaded = await self.load(missing)
        return Loaded(kept | loaded.orders, loaded.unreadable)

    async def load(self, order_ids: Sequence[UUID]) -> Loaded:
        """Those of ``order_ids`` that exist, as the log has them now, by one query; an unreadable one fails alone."""
        known = self._recent.of(order_ids)
        after = {order_id: known[order_id].version if order_id in known else 0 for order_id in order_ids}
        loaded = Loaded(known, {})
        for order_id, recorded in (await self._news(known, after)).items():
            if recorded:
                try:
                    order = self.history(recorded, known.get(order_id))
                    loaded.orders[order_id] = order
                    self._recent.keep(order)
                except UnreadableEventError as error:
                    loaded.orders.pop(order_id, None)
                    loaded.unreadable[order_id] = error
        return loaded

    async def _news(self, known: dict[UUID, LoadedOrder], after: dict[UUID, int]) -> dict[UUID, list[RecordedEvent]]:
        """The events after those versions; of an order whose history is another than was ``known``, all of them."""
        news = await self._log.load_many(after)
        others = [
            i for i, recorded in news.items() if recorded and i in known and not known[i].goes_on_with(recorded[0])
        ]
        for order_id in others:
            self._recent.forget(order_id)
            del known[order_id]
        return news | await self._log.load_many(dict.fromkeys(others, 0)) if others else news

    def history(self, recorded: Sequence[PositionedEvent], before: LoadedOrder | None = None) -> LoadedOrder:
        """``folded``. Raises ``UnreadableEventError``."""
        return folded(self._mapper, recorded, before)

    async def execute(
        self,
        loaded: LoadedOrder,
        *commands: OrderCommand,
        guards: Guards = (),
        beside: Sequence[NewEvent] = (),
        decide_again: bool = True,
        first: Decided | None = None,
        command_id: UUID | None = None,
    ) -> LoadedOrder:
        """Append what ``commands`` lead to, one after the other, in one request; the order after it.

        That is ``loaded`` itself where they lead to nothing.

        ``beside`` are other streams' events that belong to it, in the same request; a conflict of theirs is a guard's.
        So is what follows for the other orders of its list.
        Where the order has moved on meanwhile it is decided again, unless what the command says was true of
        ``loaded`` alone. ``first`` was decided on ``loaded``, and goes before them; so nothing is decided again.
        ``command_id`` is recorded with each event, one made here where it isn't given.

        Raises ``NotApplicableError`` where the order has moved on, other ``DomainError`` where the command is wrong,
        ``GuardFailedError`` or ``LeaseLostError`` where a guard forbids it, ``LogUnavailableError`` or
        ``OutcomeUnknownError`` where it was not, or perhaps not, written, ``UnreadableEventError`` where what was
        written meanwhile can't be read.
        """
        for _ in range(MOST_CONFLICTS):
            decided = _decide_all(loaded.order, commands, first)
            if not decided:
                return loaded
            command_id = command_id or uuid7()
            # Most orders are of no list.
            others = await self._others(loaded, decided, command_id) if loaded.order and loaded.order.leg else []
            after, outcome = await self._append(loaded, decided, command_id, guards, (*beside, *others))
            if isinstance(outcome, Stored | AlreadyStored):
                return after
            if isinstance(outcome, LeaseLost):
                raise LeaseLostError(outcome.processor)
            self._recent.forget(outcome.stream_id)
            if any(outcome.stream_id == other.stream_id for other in others):
                continue
            self._recent.forget(loaded.order_id)
            if outcome.stream_id != loaded.order_id:
                raise GuardFailedError(str(outcome.stream_id))
            if first or not decide_again:
                raise NotApplicableError(f"The order has moved on from version {loaded.version}.")
            recorded = await self._log.load(loaded.order_id)
            loaded = self.history(recorded) if recorded else LoadedOrder(loaded.order_id, loaded.account_id)
        raise TooManyConflictsError(str(loaded.order_id))

    async def _others(self, loaded: LoadedOrder, decided: list[OrderEvent], command_id: UUID) -> list[NewEvent]:
        """What follows from ``decided`` for the other orders of the order's list, as the log has them now."""
        after = fold(decided, loaded.order)
        if after is None or after.leg is None or not concerns_others(loaded.order, after):
            return []
        # One that can't be read can't be decided on: it goes no further, and shares its guard all the same.
        found = (await self.load(after.leg.others)).orders
        known = {order_id: one.order for order_id, one in found.items() if one.order}
        follows = consequences({**known, loaded.order_id: after}, loaded.order_id, now())
        return [
            new for order_id, events in follows.items() for new in self._recordable(found[order_id], events, command_id)
        ]

    async def create(
        self, loaded: LoadedOrder, commands: Sequence[OrderCommand], command_id: UUID
    ) -> tuple[LoadedOrder, Stored | AlreadyStored | Conflict]:
        """Append the first events of a stream once: a conflict is the caller's to understand."""
        after, outcome = await self._append(loaded, _decide_all(loaded.order, commands), command_id, (), ())
        if isinstance(outcome, LeaseLost):
            raise LeaseLostError(outcome.processor)
        return after, outcome

    async def create_all(
        self, streams: Sequence[tuple[LoadedOrder, Sequence[OrderEvent]]], command_id: UUID, *, guards: Guards = ()
    ) -> Stored | AlreadyStored | Conflict:
        """The same for several streams, all of them in one request or none."""
        new = [one for loaded, events in streams for one in self._recordable(loaded, list(events), command_id)]
        outcome = await self._appender.append(AppendRequest(tuple(new), guards))
        if isinstance(outcome, LeaseLost):
            raise LeaseLostError(outcome.processor)
        return outcome

    async def _append(
        self,
        loaded: LoadedOrder,
        decided: list[OrderEvent],
        command_id: UUID,
        guards: Guards,
        beside: Sequence[NewEvent],
    ) -> tuple[LoadedOrder, Stored | AlreadyStored | Conflict | LeaseLost]:
        new = self._recordable(loaded, decided, command_id)
        outcome = await self._appender.append(AppendRequest((*new, *beside), guards))
        followed = self._recent.get(loaded.order_id)
        if followed is not None and followed.last_event_id == new[-1].event_id:
            # It has come by the log's tail already.
            return followed, outcome
        after = LoadedOrder(
            order_id=loaded.order_id,
            account_id=loaded.account_id,
            order=fold(decided, loaded.order),
            version=new[-1].version,
            events=kept(loaded.events, decided),
            first_position=loaded.first_position,
            queued_position=queued(loaded.queued_position, decided, [getattr(outcome, "position", 0)] * len(decided)),
            last_event_id=new[-1].event_id,
            correlation_id=new[-1].correlation_id,
            trail_moves=moves_since(loaded.trail_moves, decided),
        )
        return after, outcome

    def _recordable(self, loaded: LoadedOrder, decided: list[OrderEvent], command_id: UUID) -> list[NewEvent]:
        recordable = []
        cause = loaded.last_event_id
        for number, event in enumerate(decided, loaded.version + 1):
            topic, state = self._mapper.dump(event)
            new = NewEvent(
                stream_id=loaded.order_id,
                version=number,
                event_id=uuid7(),
                topic=topic,
                state=state,
                account_id=loaded.account_id,
                command_id=command_id,
                correlation_id=loaded.correlation_id or command_id,
                causation_id=cause,
                decoded=event,
                previous_id=cause,
            )
            cause = new.event_id
            recordable.append(new)
        return recordable

    def is_anothers(self, unreadable: UnreadableEventError) -> bool:
        """Whether what can't be read as an order is a stream of something else, as a TWAP's, and no damaged order."""
        first = unreadable.recorded
        return first.version == 1 and self._mapper.is_anothers(first, BaseOrderEvent)

    async def recorded(self, order_id: UUID) -> list[RecordedEvent]:
        """The stream as the log has it."""
        return await self._log.load(order_id)


def _decide_all(
    order: Order | None, commands: Sequence[OrderCommand], first: Decided | None = None
) -> list[OrderEvent]:
    """The events of ``first`` and of all ``commands``, each decided on what those before it led to."""
    decided = list(first.events) if first else []
    new: list[OrderEvent] = []
    order = first.order if first else order
    for command in commands:
        order = fold(new, order) if new else order
        new = decide(order, command)
        decided += new
    return decided
