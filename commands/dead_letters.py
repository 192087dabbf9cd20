"""What an operator decides of an order that was set aside: taken up again or given up, and recorded either way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeGuard
from uuid import UUID, uuid4

from commands.accounts import account_event
from commands.attempts_alone import require_no_attempt
from commands.errors import GuardFailedError, TooManyConflictsError
from commands.orders import MOST_CONFLICTS, OrderRepository
from domain.account import DeadLetterDiscarded, DeadLetterRetried, RecordedDeadLetter, dead_letters_stream
from domain.commands import DiscardOrder
from domain.errors import DomainError, NotApplicableError
from event_store.append.appender import Appender
from event_store.errors import UnreadableEventError
from event_store.mapper import EventMapper
from event_store.read.log import Log
from event_store.types import AppendRequest, Conflict, NewEvent, RecordedEvent, StreamGuard

Decided = DeadLetterRetried | DeadLetterDiscarded


class DeadLetters:
    """Writes to the stream of the order's account. Raises ``DomainError("order_not_found")``."""

    def __init__(self, log: Log, appender: Appender, mapper: EventMapper, orders: OrderRepository) -> None:
        self._log = log
        self._appender = appender
        self._mapper = mapper
        self._orders = orders

    async def record_retry(self, order_id: UUID, letters: Sequence[RecordedDeadLetter], by: str) -> None:
        """Record that the order is tried again; a repeated call records it a second time."""
        recorded = await self._recorded(order_id)
        event = DeadLetterRetried(order_id=order_id, letters=tuple(letters), by=by)
        for _ in range(MOST_CONFLICTS):
            if await self._append(await self._new(recorded, event), ()):
                return
        raise TooManyConflictsError(str(order_id))

    async def discarded(self, order_id: UUID) -> bool:
        """Whether the order was ever given up."""
        recorded = await self._recorded(order_id)
        return any(discard.order_id == order_id for discard in await self._discards(recorded[0].account_id))

    async def discard(self, order_id: UUID, letters: Sequence[RecordedDeadLetter], by: str, because: str) -> bool:
        """Give the order up: recorded once for the same letters. Returns whether the order could be read.

        One that can, and has not ended, fails in the same append. Raises ``DomainError("live_attempt")`` where an
        attempt is live, or where the recorded events don't show that none is.
        """
        event = DeadLetterDiscarded(order_id=order_id, letters=tuple(letters), by=by, because=because)
        for _ in range(MOST_CONFLICTS):
            recorded = await self._recorded(order_id)
            known = await self._discards(recorded[0].account_id)
            is_recorded = any(before.order_id == order_id and _names(before) == _names(event) for before in known)
            beside = [] if is_recorded else [await self._new(recorded, event)]
            try:
                await self._orders.execute(self._orders.history(recorded), DiscardOrder(), beside=beside)
            except UnreadableEventError:
                require_no_attempt(recorded, self._mapper)
                readable = False
            except NotApplicableError:
                readable = True
            except GuardFailedError:
                continue
            else:
                return True
            # Guarded on the version that was looked at: if the order has moved on since, it is looked at again.
            if is_recorded or await self._append(beside[0], (StreamGuard(order_id, recorded[-1].version),)):
                return readable
        raise TooManyConflictsError(str(order_id))

    async def _recorded(self, order_id: UUID) -> list[RecordedEvent]:
        recorded = await self._orders.recorded(order_id)
        if not recorded or not recorded[0].topic.startswith("order."):
            raise DomainError("order_not_found", f"There is no order {order_id}.")
        return recorded

    async def _discards(self, account_id: UUID) -> list[DeadLetterDiscarded]:
        recorded = await self._log.load(dead_letters_stream(account_id))
        return [
            self._mapper.read(stored, _is_discard) for stored in recorded if stored.topic == DeadLetterDiscarded.TOPIC
        ]

    async def _new(self, recorded: Sequence[RecordedEvent], event: Decided) -> NewEvent:
        account_id = recorded[0].account_id
        stream_id = dead_letters_stream(account_id)
        before = await self._log.load(stream_id)
        version = before[-1].version + 1 if before else 1
        return account_event(self._mapper, account_id, uuid4(), stream_id, version, event)

    async def _append(self, new: NewEvent, guards: tuple[StreamGuard, ...]) -> bool:
        """Whether it was stored; False for a conflict."""
        return not isinstance(await self._appender.append(AppendRequest((new,), guards)), Conflict)


def _is_discard(event: object) -> TypeGuard[DeadLetterDiscarded]:
    return isinstance(event, DeadLetterDiscarded)


def _names(event: DeadLetterDiscarded) -> set[tuple[str, datetime]]:
    return {(letter.processor, letter.since) for letter in event.letters}
