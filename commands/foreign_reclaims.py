"""Reclaims on the chain that the log doesn't know: of its lost end, or of another engine with the same wallet.

Each is recorded once, so that the guards that it closed aren't missed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

from commands.accounts import account_event, account_events
from commands.errors import TooManyConflictsError
from commands.orders import MOST_CONFLICTS
from commands.reclaims import Reclaims
from domain.account import foreign_reclaims_stream
from domain.log_behind import ForeignReclaimFound
from event_store.append.appender import Appender
from event_store.mapper import EventMapper
from event_store.read.log import Log
from event_store.types import AppendRequest, Conflict


class ForeignReclaims:
    """The command side's access to what was found of them."""

    def __init__(self, log: Log, appender: Appender, mapper: EventMapper, reclaims: Reclaims) -> None:
        self._log = log
        self._appender = appender
        self._mapper = mapper
        self._reclaims = reclaims

    async def found(self, account_id: UUID) -> list[ForeignReclaimFound]:
        """What is recorded, in the order in which it was."""
        recorded = await self._log.load(foreign_reclaims_stream(account_id))
        events = account_events(self._mapper, recorded)
        return [event for event in events if isinstance(event, ForeignReclaimFound)]

    async def closed(self, account_id: UUID) -> set[str]:
        """The guards that were closed by reclaims of elsewhere."""
        return {guard for one in await self.found(account_id) for guard in one.guards}

    async def unknown(self, account_id: UUID, listed: Mapping[str, UUID]) -> set[str]:
        """Those signatures, each given with the reclaim it names, that the log has neither signed nor recorded."""
        unknown = {signature for signature, named in listed.items() if not await self._reclaims.knows(named, signature)}
        if unknown:
            unknown -= {one.signature for one in await self.found(account_id)}
        return unknown

    async def record(self, account_id: UUID, found: Sequence[ForeignReclaimFound]) -> list[ForeignReclaimFound]:
        """Record those that aren't recorded yet, and return them."""
        stored: list[ForeignReclaimFound] = []
        known = await self.found(account_id)
        for one in found:
            for _ in range(MOST_CONFLICTS):
                if any(before.signature == one.signature for before in known):
                    break
                stream_id = foreign_reclaims_stream(account_id)
                new = account_event(self._mapper, account_id, uuid4(), stream_id, len(known) + 1, one)
                if not isinstance(await self._appender.append(AppendRequest((new,))), Conflict):
                    known.append(one)
                    stored.append(one)
                    break
                known = await self.found(account_id)
            else:
                raise TooManyConflictsError(str(one.reclaim_id))
        return stored
