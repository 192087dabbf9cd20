"""`surefill dead-letters`: what was set aside, taken up again or given up, with who and why kept in the log."""

from __future__ import annotations

import asyncio
import getpass
import json
import os
import socket
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from uuid import UUID

from domain.account import RecordedDeadLetter
from domain.errors import DomainError
from event_store.errors import UnreadableEventError
from event_store.processors import dead_letters
from event_store.processors.dead_letters import DeadLetter
from projections.order_view import instant
from projections.orders import PROCESSOR
from projections.orders import retry as read_model
from runtime import addresses, settings
from runtime.composition import Store, open_store
from runtime.errors import StartupError
from workers.dispatch.next_work import STAGES
from workers.dispatch.work import WorkTable

# Longer than a stage that fails again is tried by its due times.
OUTCOME_WITHIN_S = 10.0
POLL_S = 0.1
READ_MODEL = "projector:"


async def letters() -> list[DeadLetter]:
    """Every dead letter, the oldest first."""
    async with _store() as store:
        return await _letters(store)


async def retry(order_id: UUID, processor: str | None) -> str:
    """Take the order up again, everywhere or at one processor; a sentence, or ``StartupError`` where it fails again."""
    async with _store() as store:
        found = await _letters(store, order_id, discarded=True)
        chosen = [one for one in found if processor in (None, one.processor)]
        if not chosen:
            raise _none(order_id, processor)
        await store.dead_letters.record_retry(order_id, _recorded(chosen), _operator())
        return await _Retry(store, order_id).run([one.processor for one in chosen])


async def discard(order_id: UUID, because: str) -> str:
    """Give the order up; a sentence."""
    async with _store() as store:
        found = await _letters(store, order_id)
        engine = [one for one in found if not one.processor.startswith(READ_MODEL)]
        if found and not engine:
            only = "Only a read model has set it aside: retry it, or surefill rebuild orders."
            raise DomainError("read_model_only", only)
        if not engine:
            if await store.dead_letters.discarded(order_id):
                return f"order {order_id} was discarded before"
            raise _none(order_id, None)
        readable = await store.dead_letters.discard(order_id, _recorded(engine), _operator(), because)
        async with store.pool.connection() as connection, connection.cursor() as cursor:
            drop = dead_letters.remove if readable else dead_letters.discard
            await drop(cursor, [one.processor for one in engine], order_id)
    return f"order {order_id} is discarded"


@dataclass(frozen=True, slots=True)
class _Retry:
    """One order, taken up again by one processor after the other."""

    store: Store
    order_id: UUID

    async def run(self, processors: Sequence[str]) -> str:
        engine = [one for one in processors if one != PROCESSOR]
        if PROCESSOR in processors and (unreadable := await self._read_model()):
            raise StartupError(f"set aside again at {PROCESSOR}: {unreadable}")
        if not engine:
            return f"order {self.order_id} is up to date in the read model"
        loaded = await self.store.orders.load([self.order_id])
        if unreadable := loaded.unreadable.get(self.order_id):
            await self._set_aside_again(engine, unreadable)
            raise StartupError(f"set aside again at {', '.join(engine)}: {unreadable}")
        await WorkTable(self.store.pool).retry(self.order_id, engine)
        return await self._outcome(engine, loaded.histories[self.order_id].version)

    async def _read_model(self) -> UnreadableEventError | None:
        async with self.store.pool.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            return await read_model.retry(cursor, self.store.events, self.store.mapper, self.order_id)

    async def _set_aside_again(self, processors: Sequence[str], unreadable: UnreadableEventError) -> None:
        async with self.store.pool.connection() as connection, connection.cursor() as cursor:
            for processor in processors:
                await dead_letters.add(cursor, processor, [dead_letters.DeadLetterEntry.of(unreadable)])

    async def _outcome(self, processors: Sequence[str], before: int) -> str:
        """What the running engine makes of it: it is asked for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(OUTCOME_WITHIN_S):
                while True:
                    again = [one for one in await _letters(self.store, self.order_id) if one.processor in processors]
                    if again:
                        raise StartupError(f"set aside again at {again[0].processor}: {again[0].error}")
                    history = (await self.store.orders.load([self.order_id])).histories.get(self.order_id)
                    if history and history.order and (history.version > before or history.order.ended):
                        return f"order {self.order_id} is {history.order.status}, version {history.version}"
                    if not set(processors) & set(STAGES):
                        return f"order {self.order_id} is followed again"
                    await asyncio.sleep(POLL_S)
        return f"order {self.order_id} is taken up; nothing came of it within {OUTCOME_WITHIN_S:.0f} s, see its events"


def line(letter: DeadLetter) -> str:
    """A dead letter for people."""
    since = instant(letter.since)
    return f"{since}  {letter.order_id}  {letter.processor}  {letter.error}  version {letter.version}"


def json_line(letter: DeadLetter) -> str:
    """A dead letter for programs: one JSON object, a position as text or null."""
    return json.dumps(
        {
            "orderId": str(letter.order_id),
            "processor": letter.processor,
            "error": letter.error,
            "version": letter.version,
            "position": None if letter.position is None else str(letter.position),
            "attempts": letter.attempts,
            "since": instant(letter.since),
        }
    )


def _store() -> AbstractAsyncContextManager[Store]:
    found = addresses.completed(settings.load(), "database_url", "redis_url")
    return open_store(found, "dead-letters")


async def _letters(store: Store, order_id: UUID | None = None, *, discarded: bool = False) -> list[DeadLetter]:
    async with store.pool.connection() as connection, connection.cursor() as cursor:
        return await dead_letters.list_all(cursor, order_id, discarded=discarded)


def _recorded(found: Sequence[DeadLetter]) -> list[RecordedDeadLetter]:
    return [
        RecordedDeadLetter(**{name: getattr(one, name) for name in RecordedDeadLetter.model_fields}) for one in found
    ]


def _none(order_id: UUID, processor: str | None) -> DomainError:
    where = f" of {processor}" if processor else ""
    return DomainError("no_dead_letter", f"Order {order_id} is not among the dead letters{where}.")


def _operator() -> str:
    """Who types the command, as the system knows him."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"
