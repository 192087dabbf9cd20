"""Reclaims in the log: each has a stream of its own, whose id its memo carries."""

from __future__ import annotations

from uuid import UUID, uuid4

from commands.accounts import account_event, account_events
from commands.errors import GuardFailedError
from commands.orders import Guards
from domain.account_event import AccountEvent
from domain.reclaim import Reclaim, ReclaimEnd, reclaim, record_end
from domain.reclaim_events import ReclaimBuilt
from event_store.append.appender import Appender
from event_store.errors import LeaseLostError
from event_store.mapper import EventMapper
from event_store.read.log import Log
from event_store.types import AppendRequest, Conflict, LeaseLost


class Reclaims:
    """The command side's access to the streams of reclaims."""

    def __init__(self, log: Log, appender: Appender, mapper: EventMapper) -> None:
        self._log = log
        self._appender = appender
        self._mapper = mapper

    async def load(self, reclaim_id: UUID) -> Reclaim | None:
        """The reclaim; None where there is none."""
        return reclaim(await self._events(reclaim_id))

    async def knows(self, reclaim_id: UUID, signature: str) -> bool:
        """Whether the log has a reclaim of that id with that transaction: what else carries its memo is unknown.

        Anybody can write a memo, with the id of whatever stream.
        """
        recorded = await self._log.load(reclaim_id)
        if not recorded or recorded[0].topic != ReclaimBuilt.TOPIC:
            return False
        [built] = account_events(self._mapper, recorded[:1])
        return isinstance(built, ReclaimBuilt) and built.signature == signature

    async def record_built(self, account_id: UUID, reclaim_id: UUID, built: ReclaimBuilt, *, guards: Guards) -> None:
        """Record it before it is sent. Raises ``GuardFailedError`` where a guard forbids it, ``LeaseLostError``."""
        outcome = await self._append(account_id, reclaim_id, 1, built, guards)
        if isinstance(outcome, Conflict):
            raise GuardFailedError(str(outcome.stream_id))

    async def record_end(self, account_id: UUID, reclaim_id: UUID, end: ReclaimEnd, *, guards: Guards) -> None:
        """Record what became of it, once. Raises ``ValueError`` where that can't be, ``LeaseLostError``."""
        events = await self._events(reclaim_id)
        state = reclaim(events)
        if state is None:
            raise ValueError(f"there is no reclaim {reclaim_id}")
        for event in record_end(state, end):
            # A conflict means that somebody else recorded its end.
            await self._append(account_id, reclaim_id, len(events) + 1, event, guards)

    async def _events(self, reclaim_id: UUID) -> list[AccountEvent]:
        recorded = await self._log.load(reclaim_id)
        return account_events(self._mapper, recorded)

    async def _append(
        self, account_id: UUID, reclaim_id: UUID, version: int, event: AccountEvent, guards: Guards
    ) -> object:
        new = account_event(self._mapper, account_id, uuid4(), reclaim_id, version, event)
        outcome = await self._appender.append(AppendRequest((new,), guards))
        if isinstance(outcome, LeaseLost):
            raise LeaseLostError(outcome.processor)
        return outcome
