"""Somebody who cancels orders as `surefill cancel` does, through every outage."""

from __future__ import annotations

import asyncio
from uuid import UUID

from commands.cancel import cancel_order
from commands.errors import GuardFailedError
from domain.errors import DomainError
from runtime.composition import Store, open_store
from runtime.settings import Settings
from workers.errors import TRANSIENT_ERRORS

AGAIN_S = 0.3


class Canceller:
    """``done`` are the orders whose cancel is recorded, or whose end was faster; ``wrong``: what else was answered."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self._settings = Settings(
            database_url=addresses["DATABASE_URL"],
            redis_url=addresses["REDIS_URL"],
            _env_file=None,  # type: ignore[call-arg]
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._store: asyncio.Future[Store] = asyncio.get_running_loop().create_future()
        self.asked: set[UUID] = set()
        self.done: set[UUID] = set()
        self.wrong: list[str] = []

    async def run(self) -> None:
        """Until cancelled."""
        async with open_store(self._settings, "canceller") as store:
            self._store.set_result(store)
            await asyncio.Event().wait()

    def ask(self, order_id: UUID, after: float) -> None:
        """Cancel the order in ``after`` seconds; repeated until it is known that it was."""
        self.asked.add(order_id)
        task = asyncio.create_task(self._cancel(order_id, after))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish(self, within: float) -> None:
        """Return once everybody was answered."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=within)
        self.wrong += [f"{order_id}: its cancel was never recorded" for order_id in self.asked - self.done]

    async def _cancel(self, order_id: UUID, after: float) -> None:
        await asyncio.sleep(after)
        store = await self._store
        while order_id not in self.done:
            try:
                await cancel_order(store.orders, store.trading, order_id, by="storm", because="it was asked for")
                self.done.add(order_id)
            except (*TRANSIENT_ERRORS, GuardFailedError):
                await asyncio.sleep(AGAIN_S)
            except DomainError as refused:
                self.done.add(order_id)
                if refused.code not in ("too_late", "not_applicable"):
                    self.wrong.append(f"{order_id}: its cancel was refused, {refused.code}")
