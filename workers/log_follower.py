"""Applying the log's events to what a loop keeps in memory: the tracker's attempts, the watcher's book."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from event_store.read.tail import Tail
from event_store.types import PositionedEvent
from workers.errors import TRANSIENT_ERRORS

log = structlog.get_logger(__name__)

RETRY_AFTER_S = 0.5


async def follow_log(
    tail: Tail[PositionedEvent], apply: Callable[[Sequence[PositionedEvent]], Awaitable[None]], *, processor: str
) -> None:
    """``apply`` every batch in turn until cancelled. After a transient error the same batch is applied again."""
    async for batch in tail:
        while True:
            try:
                await apply(batch)
                break
            except TRANSIENT_ERRORS as error:
                log.warning("waiting to read orders", processor=processor, error=type(error).__name__)
                await asyncio.sleep(RETRY_AFTER_S)
