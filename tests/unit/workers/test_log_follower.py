"""A batch that could not be applied is applied again: none is skipped, and none comes twice once it is applied."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from event_store.read.tail import Tail
from event_store.types import EventHeader
from workers import log_follower
from workers.log_follower import follow_log

LOG = [EventHeader(UUID(int=1), n, "order.OrderSubmitted", n) for n in (1, 2, 3)]


async def read(after: int, limit: int) -> list[EventHeader]:
    return [event for event in LOG if event.position > after][:limit]


async def test_a_batch_that_meets_an_outage_is_applied_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(log_follower, "RETRY_AFTER_S", 0.0)
    applied: list[int] = []
    outages = 2

    async def apply(batch: list[EventHeader]) -> None:
        nonlocal outages
        if batch[0].position == 2 and outages:
            outages -= 1
            raise ConnectionError
        applied.extend(event.position for event in batch)

    following = asyncio.create_task(follow_log(Tail(read, 0, limit=1), apply, processor="tracker"))
    async with asyncio.timeout(5):
        while len(applied) < len(LOG):
            await asyncio.sleep(0)
    following.cancel()
    assert (applied, outages) == ([1, 2, 3], 0)


async def test_a_defect_ends_it():
    async def apply(_: list[EventHeader]) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        await follow_log(Tail(read, 0), apply, processor="tracker")
