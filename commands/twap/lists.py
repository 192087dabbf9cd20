"""TWAPs in the log: clients submit, pause, resume and cancel them; whoever watches them submits their slices."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import structlog

from commands.accounts import account_event
from commands.errors import TooManyConflictsError
from commands.history_compared import NOT_COMPARED
from commands.ids import list_id as id_of_list
from commands.orders import MOST_CONFLICTS, Guards, OrderRepository
from commands.trading import TradingStates
from commands.twap.schedule import TwapSchedule
from commands.twap.unfinished import AT_ONCE, unfinished
from domain.account_event import AccountEvent
from domain.errors import DomainError
from domain.legs import leg_id
from domain.order import Order
from domain.tokens import Pair
from domain.twap import Twap, cancel, pause, refuse_slice, resume, twap
from domain.twap_events import TWAP_TOPICS, TwapEvent, TwapSubmitted
from event_store.append.appender import Appender
from event_store.errors import LeaseLostError, UnreadableEventError
from event_store.mapper import UNREADABLE, EventMapper
from event_store.read.log import Log
from event_store.types import AlreadyStored, AppendRequest, Conflict, LeaseLost, RecordedEvent, Stored, StreamGuard

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class AcceptedTwap:
    """The list as it was first recorded, and the position of the event that did so."""

    twap: Twap
    position: int


@dataclass(frozen=True, slots=True)
class EndedLists:
    """Those that were going on and don't any more, those that nobody of this version can read, and the orders that were
    open before: what ends a list ends its slices, whoever is first.
    """

    ended: list[UUID]
    unreadable: list[UUID]
    were_open: list[UUID]

    def to_cancel(self, open_now: Sequence[UUID]) -> list[UUID]:
        """With those that are open now: what a list has submitted meanwhile is among these alone."""
        return list(dict.fromkeys([*self.were_open, *open_now]))


class TwapLists:
    """Raises ``LogUnavailableError`` and ``OutcomeUnknownError``, after which anything here may be asked again."""

    def __init__(
        self,
        log: Log,
        appender: Appender,
        mapper: EventMapper,
        trading: TradingStates,
        orders: OrderRepository,
        schedule: TwapSchedule,
    ) -> None:
        self._log = log
        self._appender = appender
        self._mapper = mapper
        self._trading = trading
        self._orders = orders
        self.schedule = schedule

    async def of(self, list_id: UUID) -> tuple[Twap, RecordedEvent] | None:
        """The list as the log has it now, and the newest event of its stream; None where there is none.

        Raises ``UnreadableEventError``.
        """
        recorded = await self._log.load(list_id)
        return (self._fold(list_id, recorded), recorded[-1]) if recorded else None

    async def owned(self, list_id: UUID, account_id: UUID) -> Twap:
        """The account's list. One of another account is as unknown as one that never was.

        Raises ``DomainError("list_not_found")``, ``UnreadableEventError``.
        """
        recorded = await self._log.load(list_id)
        if not recorded or recorded[0].account_id != account_id or recorded[0].topic not in TWAP_TOPICS:
            raise DomainError("list_not_found", f"There is no list {list_id}.")
        return self._fold(list_id, recorded)

    async def submit(self, account_id: UUID, asked: TwapSubmitted, now: datetime) -> AcceptedTwap:
        """Record the list, or find it recorded; its first slice is due at once.

        Raises ``DomainError("client_list_id_conflict")`` for other terms under a known client list id.
        """
        list_id = id_of_list(account_id, asked.client_list_id)
        if known := await self._log.load(list_id):
            return self._repeated(list_id, known, asked)
        await self.schedule.add(list_id, account_id, now)
        new = account_event(self._mapper, account_id, uuid4(), list_id, 1, asked)
        # A list of another kind would have the same id.
        guards = (StreamGuard(leg_id(list_id, 1), 0),)
        outcome = await self._appender.append(AppendRequest((new,), guards))
        if isinstance(outcome, Stored | AlreadyStored):
            return AcceptedTwap(Twap(list_id, asked), outcome.position)
        return self._repeated(list_id, await self._log.load(list_id), asked)

    async def pause(self, list_id: UUID, account_id: UUID, *, by: str, because: str | None = None) -> Twap:
        """Raises ``DomainError``: ``list_not_found``, ``list_ended``."""
        return await self._record(list_id, account_id, lambda known: pause(known, by, because))

    async def resume(self, list_id: UUID, account_id: UUID, *, by: str, now: datetime) -> Twap:
        """Its next slice is due when it was, or now. Raises ``DomainError``: ``list_not_found``, ``list_ended``."""
        known = await self._record(list_id, account_id, lambda known: resume(known, by))
        await self.schedule.look_again(list_id, now)
        return known

    async def cancel(
        self, list_id: UUID, account_id: UUID, *, by: str, because: str | None, now: datetime
    ) -> Twap:  # fmt: skip
        """From here on no slice is submitted; those that are open are the caller's to cancel, and, whatever becomes of
        the caller, the watcher's. One that has finished stays as it is.

        Raises ``DomainError``: ``list_not_found``; unless it is cancelled ``log_behind`` where the log was put back,
        and ``history_not_compared`` while that isn't known.
        """
        known = await self._record(list_id, account_id, lambda known: cancel(known, by, because), ends_at=now)
        await self.schedule.look_again(list_id, now)
        return known

    async def cancel_all(
        self,
        account_id: UUID,
        *,
        open_orders: Callable[[UUID], Awaitable[Sequence[UUID]]],
        by: str,
        because: str | None,
        now: datetime,
        pair: Pair | None = None,
    ) -> EndedLists:
        """No slice of any of the account's lists, or of those on ``pair``, is submitted from here on; all that were are
        orders already. One that can't be read keeps no other, and nobody of this version goes on with it.

        ``open_orders`` gives the account's orders that may not have ended. Of them are the lists whose slices were all
        submitted: those have no row.

        Raises ``DomainError``, ``log_behind`` or ``history_not_compared``, at the first.
        """
        # Rows first: a list that loses its row after that has submitted its last slice, and is found by it.
        scheduled = await self.schedule.of_account(account_id)
        parents: list[UUID] = []
        lists = EndedLists([], [], [])
        async for order_id, order in self._open(await open_orders(account_id)):
            if pair in (None, order.pair):
                lists.were_open.append(order_id)
                parents += [order.parent_id] if order.parent_id else []
        for list_id in dict.fromkeys([*scheduled, *parents]):
            try:
                found = await self.of(list_id)
                if found and pair in (None, found[0].submitted.order.pair):
                    after = await self.cancel(list_id, account_id, by=by, because=because, now=now)
                    if after.state != found[0].state:
                        lists.ended.append(list_id)
            except UnreadableEventError as error:
                log.error("a list can't be cancelled", list_id=str(list_id), error=str(error))
                lists.unreadable.append(list_id)
        return lists

    async def _open(self, order_ids: Sequence[UUID]) -> AsyncIterator[tuple[UUID, Order]]:
        """Those of the orders that can be read and have not ended, in their order."""
        for start in range(0, len(order_ids), AT_ONCE):
            some = order_ids[start : start + AT_ONCE]
            found = (await self._orders.load(some)).orders
            for order_id in some:
                order = found[order_id].order if order_id in found else None
                if order is not None and not order.ended:
                    yield order_id, order

    async def refuse_slice(
        self, known: Twap, account_id: UUID, number: int, code: str, detail: str, guards: Guards
    ) -> Twap:  # fmt: skip
        """Record that a slice is not taken, unless the list stands still by now. Raises ``LeaseLostError``."""
        return await self._record(
            known.list_id, account_id, lambda state: refuse_slice(state, number, code, detail), guards
        )

    async def _record(
        self,
        list_id: UUID,
        account_id: UUID,
        decided: Callable[[Twap], TwapEvent | None],
        guards: Guards = (),
        *,
        ends_at: datetime | None = None,
    ) -> Twap:
        """``ends_at``: what is recorded ends the list, now, unless it has finished; its row is there before, so what is
        open is cancelled.
        """
        for _ in range(MOST_CONFLICTS):
            known = await self.owned(list_id, account_id)
            event = decided(known)
            if event is None:
                return known
            new = account_event(self._mapper, account_id, uuid4(), list_id, known.version + 1, event)
            while_going_on: Guards = ()
            if ends_at is not None:
                sound, going_on = await self._while_sound(known, account_id), await unfinished(self._orders, known)
                if going_on is None:
                    # Its row may be there all the same: of somebody who wanted to end it before, and died.
                    return known
                while_going_on = (*sound, *going_on)
                await self.schedule.add(list_id, account_id, ends_at)
            outcome = await self._appender.append(AppendRequest((new,), (*guards, *while_going_on)))
            if isinstance(outcome, LeaseLost):
                raise LeaseLostError(outcome.processor)
            if not isinstance(outcome, Conflict):
                return await self.owned(list_id, account_id)
            self._trading.forget(account_id)
        raise TooManyConflictsError(str(list_id))

    async def _while_sound(self, known: Twap, account_id: UUID) -> Guards:
        """Hold while the log is known not to be behind. Raises ``DomainError``, as ``cancel``."""
        trading = await self._trading.of(account_id)
        if trading.behind:
            # In what the log lost more of its slices may have been executed: its end would be told without them.
            raise trading.held("; `surefill recover` asks which orders to cancel.")
        if not known.submitted.paper and not await self._trading.compared.of(account_id):
            raise DomainError("history_not_compared", NOT_COMPARED)
        return self._trading.guards(account_id, trading)

    def _repeated(self, list_id: UUID, recorded: list[RecordedEvent], asked: TwapSubmitted) -> AcceptedTwap:
        if not recorded or recorded[0].topic not in TWAP_TOPICS:
            raise _conflict("a list of another kind; use another.")
        first = self._fold(list_id, recorded[:1])
        if not first.same_as(asked):
            raise _conflict("a list with other terms; use another, or repeat the same terms.")
        if first.submitted.paper and not asked.paper:
            raise _conflict("a list on paper, which never becomes real; use another.")
        return AcceptedTwap(first, recorded[0].position)

    def _fold(self, list_id: UUID, recorded: list[RecordedEvent]) -> Twap:
        try:
            events = [self._mapper.load(event.topic, event.state) for event in recorded]
            return twap(list_id, [event for event in events if isinstance(event, AccountEvent)])
        except UNREADABLE as fault:
            raise UnreadableEventError(recorded[-1], fault) from None


def _conflict(belongs_to: str) -> DomainError:
    return DomainError("client_list_id_conflict", f"This clientListId belongs to {belongs_to}", field="clientListId")
