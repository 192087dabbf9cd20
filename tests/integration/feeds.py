"""A feed of the log that runs, for what reads the log through one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from event_store.notifier import Notifier
from event_store.read.feed import LogFeed
from event_store.read.log import Log


@asynccontextmanager
async def following(log: Log, notifier: Notifier | None = None) -> AsyncIterator[LogFeed]:
    """The feed of a process: it needs neither ``notifier`` nor anybody's hand, and knows what is committed."""
    feed = LogFeed(log.read, log.head, notifier)
    task = asyncio.create_task(feed.run())
    try:
        yield feed
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
