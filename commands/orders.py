"""Load, decide, append at the expected version; on a conflict load and decide again.

A message is a hint and the version decides, so any number of duplicates at any time changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from commands.cache import OrderCache
from commands.errors import GuardFailedError, TooManyConflictsError
from commands.loaded_order import LoadedOrder
from domain.commands import OrderCommand
from domain.decide import decide
from domain.errors import NotApplicableError
from domain.events import OrderEvent, is_order_event
from domain.evolve import evolve
from event_store.append.appender import Appender
from event_store.errors import LeaseLostError, UnreadableEventError
from event_store.mapper import EventMapper
from event_store.read.log import Log
from event_store.replay import replay
from event_store.types import (
    AlreadyStored,
    AppendRequest,
    Conflict,
    LeaseGuard,
    LeaseLost,
    NewEvent,
    RecordedEvent,
    Stored,
    StreamGuard,
)

Guards = tuple[StreamGuard | LeaseGuard, ...]

# Each conflict means that somebody else's append got through. This many in a row is a fault, not a race.
MOST_CONFLICTS = 20


@dataclass(frozen=True, slots=True)
class Loaded:
    """Orders that could be read, and those that couldn't: an event of a newer version, or a damaged one.

    No command may decide on an order it can't read whole. What a process has read once it doesn't read again: damage
    to it is for `surefill verify` to find.
    """

    histories: dict[UUID, LoadedOrder]
    unreadable: dict[UUID, UnreadableEventError]


class OrderRepository:
    """The command side's access to order streams. ``recent``: of how many open orders it keeps what it has read."""

    def __init__(self, log: Log, appender: Appender, mapper: EventMapper, *, recent: int = 0) -> None:
        self._recent = OrderCache(recent)
        self._log = log
        self._appender = appender
        self._mapper = mapper

    async def load(self, order_ids: Sequence[UUID]) -> Loaded:
        """The histories of those of ``order_ids`` that exist, in one query; one that can't be read fails alone."""
        known = self._recent.of(order_ids)
        after = {order_id: known[order_id].version if order_id in known else 0 for order_id in order_ids}
        loaded = Loaded(known, {})
        for order_id, recorded in (await self._news(known, after)).items():
            if recorded:
                try:
                    order = self.history(recorded, known.get(order_id))
                    loaded.histories[order_id] = order
                    self._recent.keep(order)
                except UnreadableEventError as error:
                    loaded.histories.pop(order_id, None)
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

    def history(self, recorded: Sequence[RecordedEvent], before: LoadedOrder | None = None) -> LoadedOrder:
        """The fold of an order's recorded events, from the first or from those of ``before`` on.

        Raises ``UnreadableEventError``.
        """
        steps = list(replay(self._mapper, recorded, is_order_event, evolve, before.order if before else None))
        events = tuple(event for event, _ in steps)
        first, last = recorded[0], recorded[-1]
        return LoadedOrder(
            order_id=first.stream_id,
            account_id=first.account_id,
            order=steps[-1][1],
            version=last.version,
            events=(*before.events, *events) if before else events,
            first_position=before.first_position if before else first.position,
            last_event_id=last.event_id,
            correlation_id=first.correlation_id,
        )

    async def execute(
        self,
        loaded: LoadedOrder,
        command: OrderCommand,
        *,
        guards: Guards = (),
        beside: Sequence[NewEvent] = (),
        decide_again: bool = True,
    ) -> LoadedOrder:
        """Append what ``command`` leads to; the order after it, which is ``loaded`` itself where it leads to nothing.

        ``beside`` are other streams' events that belong to it, in the same request; a conflict of theirs is a guard's.
        Where the order has moved on meanwhile it is decided again, unless what the command says was true of
        ``loaded`` alone.

        Raises ``NotApplicableError`` where the order has moved on, other ``DomainError`` where the command is wrong,
        ``GuardFailedError`` or ``LeaseLostError`` where a guard forbids it, ``LogUnavailableError`` or
        ``OutcomeUnknownError`` where it was not, or perhaps not, written, ``UnreadableEventError`` where what was
        written meanwhile can't be read.
        """
        command_id = uuid4()
        for _ in range(MOST_CONFLICTS):
            decided = decide(loaded.order, command)
            if not decided:
                return loaded
            after, outcome = await self._append(loaded, decided, command_id, guards, beside)
            if isinstance(outcome, Stored | AlreadyStored):
                self._recent.keep(after)
                return after
            if isinstance(outcome, LeaseLost):
                raise LeaseLostError(outcome.processor)
            self._recent.forget(loaded.order_id)
            if outcome.stream_id != loaded.order_id:
                raise GuardFailedError(str(outcome.stream_id))
            if not decide_again:
                raise NotApplicableError(f"The order has moved on from version {loaded.version}.")
            recorded = await self._log.load(loaded.order_id)
            loaded = self.history(recorded) if recorded else LoadedOrder(loaded.order_id, loaded.account_id)
        raise TooManyConflictsError(str(loaded.order_id))

    async def create(
        self, loaded: LoadedOrder, command: OrderCommand, command_id: UUID
    ) -> tuple[LoadedOrder, Stored | AlreadyStored | Conflict]:
        """Append the first events of a stream once: a conflict is the caller's to understand."""
        after, outcome = await self._append(loaded, decide(loaded.order, command), command_id, (), ())
        if isinstance(outcome, LeaseLost):
            raise LeaseLostError(outcome.processor)
        return after, outcome

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
        order = loaded.order
        for event in decided:
            order = evolve(order, event)
        after = LoadedOrder(
            order_id=loaded.order_id,
            account_id=loaded.account_id,
            order=order,
            version=new[-1].version,
            events=(*loaded.events, *decided),
            first_position=loaded.first_position,
            last_event_id=new[-1].event_id,
            correlation_id=new[-1].correlation_id,
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
                event_id=uuid4(),
                topic=topic,
                state=state,
                account_id=loaded.account_id,
                command_id=command_id,
                correlation_id=loaded.correlation_id or command_id,
                causation_id=cause,
            )
            cause = new.event_id
            recordable.append(new)
        return recordable

    async def recorded(self, order_id: UUID) -> list[RecordedEvent]:
        """The stream as the log has it."""
        return await self._log.load(order_id)
