"""Which orders become dead letters: one that can't be read at once, one that fails after a few times in a row.

A dead letter waits for an operator. Failures are counted in memory, so a process that is started again counts from the
beginning. A transient error is never counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import structlog

from event_store.errors import UnreadableEventError
from event_store.processors import dead_letters
from event_store.processors.dead_letters import DeadLetterEntry
from workers.dispatch.work import Pool
from workers.errors import error_code

log = structlog.get_logger(__name__)

MOST_FAILURES = 8
# Nothing ends the count of an order that another process went on with: past so many counts the oldest is dropped.
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class _Failures:
    """How often an order has failed in a row, all at one version of its stream."""

    version: int
    count: int


class DeadLetterQueue:
    """The dead letters of one ``processor``. Methods raise psycopg's errors."""

    def __init__(self, pool: Pool, processor: str) -> None:
        self._pool = pool
        self._processor = processor
        self._counts: dict[UUID, _Failures] = {}
        self._order_ids: set[UUID] = set()

    async def count_failure(self, order_id: UUID, version: int, error: Exception) -> int:
        """Count one more failure of the order at ``version``; from the eighth in a row on it is a dead letter.

        Returns how many there were in a row.
        """
        if isinstance(error, UnreadableEventError):
            await self.add_unreadable(order_id, error)
            return MOST_FAILURES
        before = self._counts.pop(order_id, None)
        failures = before.count + 1 if before and before.version == version else 1
        self._counts[order_id] = _Failures(version, failures)
        if len(self._counts) > MOST_COUNTED:
            del self._counts[next(iter(self._counts))]
        if failures >= MOST_FAILURES:
            # The first entry counts all the failures up to it, each later one adds itself.
            attempts = failures if failures == MOST_FAILURES else 1
            await self._add(DeadLetterEntry(order_id, version, None, error_code(error), attempts))
        return failures

    async def add_unreadable(self, order_id: UUID, error: UnreadableEventError) -> None:
        """The order can't be read, so nobody can decide anything about it: it is a dead letter at once."""
        await self._add(DeadLetterEntry.of(error))

    async def remove(self, order_id: UUID) -> None:
        """What could not be done is done: the order is no dead letter any more, where this process knows it as one."""
        self._counts.pop(order_id, None)
        await self._remove(order_id)

    async def remove_unreadable(self, order_id: UUID) -> None:
        """The order can be read: it is no dead letter any more for that reason, and stays one for any other."""
        await self._remove(order_id, if_unreadable=True)

    async def refresh(self) -> frozenset[UUID]:
        """Read which orders are the processor's dead letters, whichever process made them so."""
        async with self._pool.connection() as connection, connection.cursor() as cursor:
            self._order_ids = await dead_letters.order_ids(cursor, self._processor)
        return frozenset(self._order_ids)

    async def _remove(self, order_id: UUID, *, if_unreadable: bool = False) -> None:
        if not self._order_ids or order_id not in self._order_ids:
            return
        async with self._pool.connection() as connection, connection.cursor() as cursor:
            await dead_letters.remove(cursor, [self._processor], order_id, if_unreadable=if_unreadable)
        if not if_unreadable:
            self._order_ids.discard(order_id)

    async def _add(self, entry: DeadLetterEntry) -> None:
        async with self._pool.connection() as connection, connection.cursor() as cursor:
            new = await dead_letters.add(cursor, self._processor, [entry])
        self._order_ids.add(entry.order_id)
        if new:
            log.error(
                "order is a dead letter now; see surefill dead-letters",
                processor=self._processor, order_id=str(entry.order_id), version=entry.version, error=entry.error,
            )  # fmt: skip
