"""One order that was set aside, handed to its processors again, and what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from event_store.errors import UnreadableEventError
from event_store.processors import dead_letters
from projections.orders import PROCESSOR
from projections.orders import retry as read_model
from runtime.composition import Store
from runtime.errors import StartupError
from workers.dispatch.work import EXECUTION

# Longer than a visit that fails again is tried by its due times.
OUTCOME_WITHIN_S = 10.0
POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Retry:
    """Raises ``StartupError``, one sentence, where a processor sets the order aside again."""

    store: Store
    order_id: UUID

    async def run(self, processors: Sequence[str]) -> str:
        engine = [processor for processor in processors if processor != PROCESSOR]
        if PROCESSOR in processors and (unreadable := await self._read_model()):
            raise StartupError(f"set aside again at {PROCESSOR}: {unreadable}")
        if not engine:
            return f"order {self.order_id} is up to date in the read model"
        loaded = await self.store.orders.load([self.order_id])
        if unreadable := loaded.unreadable.get(self.order_id):
            await self._set_aside_again(engine, unreadable)
            raise StartupError(f"set aside again at {', '.join(engine)}: {unreadable}")
        await self.store.work.retry(self.order_id, engine)
        return await self._outcome(engine, loaded.orders[self.order_id].version)

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
                    again = [letter for letter in await self._dead_letters() if letter.processor in processors]
                    if again:
                        raise StartupError(f"set aside again at {again[0].processor}: {again[0].error}")
                    history = (await self.store.orders.load([self.order_id])).orders.get(self.order_id)
                    if history and history.order and (history.version > before or history.order.ended):
                        return f"order {self.order_id} is {history.order.status}, version {history.version}"
                    if EXECUTION not in processors:
                        return f"order {self.order_id} is followed again"
                    await asyncio.sleep(POLL_S)
        return f"order {self.order_id} is taken up; nothing came of it within {OUTCOME_WITHIN_S:.0f} s, see its events"

    async def _dead_letters(self) -> list[dead_letters.DeadLetter]:
        async with self.store.pool.connection() as connection, connection.cursor() as cursor:
            return await dead_letters.list_all(cursor, self.order_id)
