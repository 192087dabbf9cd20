"""The relay's process: the relay under its lease, and the sweeper beside it."""

from __future__ import annotations

import asyncio

from runtime.composition import broker_url, lease_of, open_store
from runtime.settings import Settings
from workers.dispatch.broker import Hints, open_broker
from workers.dispatch.relay import RELAY, Relay
from workers.dispatch.sweeper import Sweeper
from workers.dispatch.work import WorkTable


async def run(settings: Settings) -> None:
    async with open_store(settings, "relay") as store:
        work = WorkTable(store.pool)
        hints = Hints(open_broker(broker_url(settings.redis_url)))
        async with lease_of(store, RELAY).hold() as lease, asyncio.TaskGroup() as tasks:
            tasks.create_task(Relay(store.pool, store.events, store.notifier, work, hints).run(lease))
            tasks.create_task(Sweeper(store.events, work, hints).run())
