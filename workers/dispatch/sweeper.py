"""The sweeper: hands over again whatever is due, and now and then derives the work rows that are missing.

Several may run at once: rows are taken with SKIP LOCKED, and an order handed over too often is only looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
import time

import structlog
from redis.exceptions import RedisError

from event_store.errors import TRANSIENT_DATABASE_ERRORS
from event_store.read.log import Log
from workers.dispatch.queue import Queue
from workers.dispatch.work import WorkTable
from workers.metrics import DEAD_LETTERS, DERIVED, MESSAGES_FAILED, SWEPT
from workers.outages import Outages

log = structlog.get_logger(__name__)

# Rows may be written any time, the next one due at the soonest after the least back-off.
LEAST_SLEEP_S, MOST_SLEEP_S = 0.1, 1.0
DUE_AT_ONCE = 1_000
OVERDUE_MS = 5_000
DERIVE_EVERY_S = 5.0
ORDERS_A_PASS = 1_000
WINDOW = 5_000
# Events are looked at once they are this old: the projector is about to write the rows of newer ones.
SETTLED_S = 10.0


class Sweeper:
    """Runs until it is cancelled; needs no lease."""

    def __init__(self, events: Log, work: WorkTable, queue: Queue) -> None:
        self._events = events
        self._work = work
        self._queue = queue
        self._derived = 0

    async def run(self) -> None:
        """Sweep until cancelled; goes on when PostgreSQL or Valkey were unreachable."""
        heads: list[tuple[float, int]] = []
        derive_at = time.monotonic() + DERIVE_EVERY_S
        valkey, postgresql = Outages(), Outages()
        while True:
            sleep = MOST_SLEEP_S
            try:
                sleep = await self._sweep()
                if time.monotonic() >= derive_at:
                    derive_at = time.monotonic() + DERIVE_EVERY_S
                    heads = await self._derive(heads)
                    await self._count_dead_letters()
            except RedisError as error:
                MESSAGES_FAILED.inc()
                if valkey.begins():
                    log.warning("sweeper waits for Valkey", error=type(error).__name__)
            except TRANSIENT_DATABASE_ERRORS as error:
                if postgresql.begins():
                    log.warning("sweeper waits for PostgreSQL", error=type(error).__name__)
            else:
                if valkey.ends() | postgresql.ends():
                    log.info("sweeper goes on")
            await self._sleep(sleep)

    async def _sleep(self, seconds: float) -> None:
        """For so long, or until this process makes a row due soon."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._work.postponed.wait()
                self._work.postponed.clear()

    async def _sweep(self) -> float:
        """Hand over what is due; how long nothing else will be, in seconds."""
        next_due = await self._work.next_due()
        if next_due is not None and next_due <= 0:
            while True:
                # Behind a backlog only what is long overdue is sent: a setback was never in the queue.
                overdue = 0 if await self._queue.is_short() else OVERDUE_MS
                due = await self._work.take_due(DUE_AT_ONCE, overdue_ms=overdue)
                if due:
                    await self._queue.send(due)
                    SWEPT.inc(len(due))
                if len(due) < DUE_AT_ONCE:
                    break
            return LEAST_SLEEP_S
        return MOST_SLEEP_S if next_due is None else min(MOST_SLEEP_S, max(LEAST_SLEEP_S, next_due))

    async def _count_dead_letters(self) -> None:
        counts = await self._work.dead_letter_counts()
        DEAD_LETTERS.clear()
        for processor, count in counts.items():
            DEAD_LETTERS.labels(processor).set(count)

    async def _derive(self, heads: list[tuple[float, int]]) -> list[tuple[float, int]]:
        """Derive what is missing of the orders that are open in the read model, and of what the log has past it.

        The read model names them all at once, however long the log is. Past its position the log is read in windows,
        one a call, and again from there once its end was reached.

        ``heads``: the log's newest positions, each with the time it was seen; returned with the present one. Events up
        to the newest that is old enough are read.
        """
        now = time.monotonic()
        heads = [*heads, (now, await self._events.head())]
        settled = max((head for at, head in heads if at <= now - SETTLED_S), default=0)
        # Before its orders are read: what the read model learns in between is then read twice.
        after = max(self._derived, await self._work.projected())
        made = derived = await self._work.derive_open(settled, ORDERS_A_PASS)
        while derived == ORDERS_A_PASS:
            derived = await self._work.derive_open(settled, ORDERS_A_PASS)
            made += derived
        upto = min(after + WINDOW, settled)
        if upto > after:
            made += await self._work.derive_window(after, upto)
        if made:
            DERIVED.inc(made)
            log.warning("work rows were missing and were made again", rows=made)
        self._derived = upto if upto < settled else 0
        return [head for head in heads if head[0] > now - 2 * SETTLED_S]
