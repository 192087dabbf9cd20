"""Which guard key an account's guards are made from: fixed by the first engine that signs, and never another."""

from __future__ import annotations

from uuid import UUID, uuid4

from commands.accounts import account_event, account_events
from commands.errors import TooManyConflictsError
from commands.orders import MOST_CONFLICTS
from domain.account import CanaryMade, GuardKeyBound, guard_key_stream
from domain.account_event import AccountEvent
from domain.errors import DomainError
from event_store.append.appender import Appender
from event_store.errors import LeaseLostError
from event_store.mapper import EventMapper
from event_store.read.log import Log
from event_store.types import AppendRequest, Conflict, LeaseLost


class GuardKeys:
    """The command side's access to the streams that say so."""

    def __init__(self, log: Log, appender: Appender, mapper: EventMapper) -> None:
        self._log = log
        self._appender = appender
        self._mapper = mapper

    async def bind(self, account_id: UUID, wanted: GuardKeyBound) -> bool:
        """Bind the key to the account; returns whether its canary is known to be on the chain.

        Raises ``DomainError("another_guard_key")`` where another one is bound.
        """
        for _ in range(MOST_CONFLICTS):
            events = await self._events(account_id)
            bound = next((event for event in events if isinstance(event, GuardKeyBound)), None)
            if bound is not None and bound != wanted:
                raise DomainError(
                    "another_guard_key",
                    f"the account's guards are made with the key whose canary is {bound.canary}, the configured one "
                    f"has {wanted.canary}: use that key, or two transactions of one order could succeed",
                )
            if bound is not None:
                return any(isinstance(event, CanaryMade) for event in events)
            if await self._append(account_id, len(events), wanted):
                return False
        raise TooManyConflictsError(str(account_id))

    async def canary_made(self, account_id: UUID, canary: str) -> None:
        """Record that the canary is there, finalized, once."""
        for _ in range(MOST_CONFLICTS):
            events = await self._events(account_id)
            if any(isinstance(event, CanaryMade) for event in events):
                return
            if await self._append(account_id, len(events), CanaryMade(canary=canary)):
                return
        raise TooManyConflictsError(str(account_id))

    async def _events(self, account_id: UUID) -> list[AccountEvent]:
        recorded = await self._log.load(guard_key_stream(account_id))
        return account_events(self._mapper, recorded)

    async def _append(self, account_id: UUID, version: int, event: AccountEvent) -> bool:
        """Whether it was stored; False for a conflict."""
        stream_id = guard_key_stream(account_id)
        new = account_event(self._mapper, account_id, uuid4(), stream_id, version + 1, event)
        outcome = await self._appender.append(AppendRequest((new,), ()))
        if isinstance(outcome, LeaseLost):
            raise LeaseLostError(outcome.processor)
        return not isinstance(outcome, Conflict)
