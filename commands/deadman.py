"""Dead-man's switches in the log: set by clients, fired by whoever watches them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TypeGuard
from uuid import UUID, uuid4

from commands.accounts import account_event
from commands.errors import TooManyConflictsError, UnreadableAccountError
from commands.orders import MOST_CONFLICTS, Guards
from domain.deadman import (
    Deadman,
    DeadmanEvent,
    deadman,
    deadman_stream,
    fire,
    set_deadman,
)
from domain.deadman_events import DeadmanFinished, DeadmanFired, DeadmanSet
from domain.events import CancelRequested
from event_store.append.appender import Appender
from event_store.errors import LeaseLostError, UnreadableEventError
from event_store.mapper import EventMapper
from event_store.read.log import Log
from event_store.types import AppendRequest, Conflict, LeaseLost, PositionedEvent

DEADMAN_TOPICS = frozenset({DeadmanSet.TOPIC, DeadmanFired.TOPIC, DeadmanFinished.TOPIC})


class DeadmanSwitches:
    def __init__(self, log: Log, appender: Appender, mapper: EventMapper) -> None:
        self._log = log
        self._appender = appender
        self._mapper = mapper

    async def of(self, account_id: UUID) -> Deadman:
        return (await self.of_all([account_id])).get(account_id, Deadman())

    async def of_all(self, account_ids: Iterable[UUID]) -> dict[UUID, Deadman]:
        """The switches of those accounts that ever had one. Raises ``UnreadableAccountError``."""
        newest = await self._log.last_many([deadman_stream(account_id) for account_id in account_ids])
        return {event.account_id: self.read(event) for event in newest}

    def read(self, newest: PositionedEvent) -> Deadman:
        """The switch after an event of its stream. Raises ``UnreadableAccountError``."""
        try:
            return deadman(newest.version, self._mapper.read(newest, _is_deadman_event))
        except UnreadableEventError as unreadable:
            raise UnreadableAccountError(unreadable) from None

    async def set(self, account_id: UUID, cancel_at: datetime | None, *, by: str, now: datetime) -> Deadman:
        """Set it, or clear it. Raises ``DomainError``: ``deadman_due``, ``cancel_at_too_soon``."""
        return await self._record(account_id, lambda switch: set_deadman(switch, cancel_at, by, now), ())

    async def fire(self, account_id: UUID, now: datetime, guards: Guards) -> Deadman:
        """The switch, firing where it is due; its client may have said otherwise at the last moment.

        Raises ``LeaseLostError``.
        """
        return await self._record(account_id, lambda switch: fire(switch, now), guards)

    async def finish(self, account_id: UUID, finished: DeadmanFinished, guards: Guards) -> Deadman:
        """Record what it came to. Raises ``LeaseLostError``."""
        return await self._record(
            account_id, lambda switch: finished if switch.state == "firing" else None, guards
        )  # fmt: skip

    async def cancels_since_fired(self, account_id: UUID) -> list[UUID]:
        """The orders whose cancel was asked for, by whomever, since the switch that is firing fired."""
        newest = await self._log.last_many([deadman_stream(account_id)])
        return await self._log.streams_with(account_id, CancelRequested.TOPIC, newest[0].position) if newest else []

    async def _record(
        self, account_id: UUID, decided: Callable[[Deadman], DeadmanEvent | None], guards: Guards
    ) -> Deadman:
        stream_id = deadman_stream(account_id)
        for _ in range(MOST_CONFLICTS):
            switch = await self.of(account_id)
            event = decided(switch)
            if event is None:
                return switch
            new = account_event(self._mapper, account_id, uuid4(), stream_id, switch.version + 1, event)
            outcome = await self._appender.append(AppendRequest((new,), guards))
            if isinstance(outcome, LeaseLost):
                raise LeaseLostError(outcome.processor)
            if not isinstance(outcome, Conflict):
                return deadman(new.version, event)
        raise TooManyConflictsError(str(stream_id))


def _is_deadman_event(event: object) -> TypeGuard[DeadmanEvent]:
    return isinstance(event, DeadmanSet | DeadmanFired | DeadmanFinished)
