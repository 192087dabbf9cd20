"""Setting orders aside: one that cannot be read at once, one that fails again and again after a few times in a row.

Counted in memory: a process that starts anew counts anew. A transient error never counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import structlog

from domain.errors import DomainError
from event_store.errors import UnreadableEventError
from event_store.processors import dead_letters
from event_store.processors.dead_letters import DeadLetterEntry
from workers.dispatch.work import Pool

log = structlog.get_logger(__name__)

MOST_FAILURES = 8
# Counts of orders that another process went on with are never ended: the oldest go.
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class _Count:
    version: int
    failures: int


class DeadLetterQueue:
    """What one ``processor`` sets aside. Methods raise psycopg's errors."""

    def __init__(self, pool: Pool, processor: str) -> None:
        self._pool = pool
        self._processor = processor
        self._counts: dict[UUID, _Count] = {}
        self._order_ids: set[UUID] = set()

    async def failed(self, order_id: UUID, version: int, error: Exception) -> int:
        """How often in a row the order has failed at ``version``: it is set aside from the eighth time on."""
        if isinstance(error, UnreadableEventError):
            await self.unreadable(order_id, error)
            return MOST_FAILURES
        before = self._counts.pop(order_id, None)
        failures = before.failures + 1 if before and before.version == version else 1
        self._counts[order_id] = _Count(version, failures)
        if len(self._counts) > MOST_COUNTED:
            del self._counts[next(iter(self._counts))]
        if failures == MOST_FAILURES:
            await self._set_aside(DeadLetterEntry(order_id, version, None, kind(error), failures))
        elif failures > MOST_FAILURES:
            await self._set_aside(DeadLetterEntry(order_id, version, None, kind(error)))
        return failures

    async def unreadable(self, order_id: UUID, error: UnreadableEventError) -> None:
        """Nobody can decide anything about it: it is set aside at once."""
        await self._set_aside(DeadLetterEntry.of(error))

    async def handled(self, order_id: UUID) -> None:
        """What could not be done is done: the order is set aside no more, where this process knows that it was."""
        self._counts.pop(order_id, None)
        await self._release(order_id)

    async def readable(self, order_id: UUID) -> None:
        """It can be read: it is set aside no more for that reason, and goes on being so for any other."""
        await self._release(order_id, if_unreadable=True)

    async def refresh(self) -> frozenset[UUID]:
        """What the processor has set aside, whichever process did."""
        async with self._pool.connection() as connection, connection.cursor() as cursor:
            self._order_ids = await dead_letters.order_ids(cursor, self._processor)
        return frozenset(self._order_ids)

    async def _release(self, order_id: UUID, *, if_unreadable: bool = False) -> None:
        if order_id not in self._order_ids:
            return
        async with self._pool.connection() as connection, connection.cursor() as cursor:
            await dead_letters.remove(cursor, [self._processor], order_id, if_unreadable=if_unreadable)
        if not if_unreadable:
            self._order_ids.discard(order_id)

    async def _set_aside(self, entry: DeadLetterEntry) -> None:
        async with self._pool.connection() as connection, connection.cursor() as cursor:
            new = await dead_letters.add(cursor, self._processor, [entry])
        self._order_ids.add(entry.order_id)
        if new:
            log.error(
                "order is a dead letter now; see surefill dead-letters",
                processor=self._processor, order_id=str(entry.order_id), version=entry.version, error=entry.error,
            )  # fmt: skip


def kind(error: Exception) -> str:
    """A refusal's code, else the error's type: what it says may quote anything."""
    return error.code if isinstance(error, DomainError) else type(error).__name__
