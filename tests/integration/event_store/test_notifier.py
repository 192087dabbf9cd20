"""Wake-ups between processes."""

from __future__ import annotations

import asyncio
import time
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from event_store import notifier
from event_store.notifier import QUIET_S, SUBJECTS, Notifier, Subject
from event_store.valkey import open_valkey
from tests.integration.embedded import EmbeddedValkey


@pytest.mark.parametrize("subject", SUBJECTS)
async def test_every_subject_reaches_another_process(valkey: EmbeddedValkey, subject: Subject):
    prefix = uuid4().hex
    sender, hearer = Notifier(valkey.url, prefix=prefix), Notifier(valkey.url, prefix=prefix)
    heard: asyncio.Queue[int] = asyncio.Queue()
    hearer.listen(subject, heard.put_nowait)
    await sender.start()
    try:
        async with asyncio.timeout(10):
            assert await heard.get() == 0, "what was said before the subscription was not heard"
            sender.publish(subject, 7)
            assert await heard.get() == 7
    finally:
        await sender.stop()
        await hearer.stop()


async def test_nothing_is_said_again_and_again_to_nobody_and_who_comes_meanwhile_hears_it_soon(
    valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
):
    prefix = uuid4().hex
    alone, other = Notifier(valkey.url, prefix=prefix), Notifier(valkey.url, prefix=prefix)
    own: list[int] = []
    heard: asyncio.Queue[int] = asyncio.Queue()
    alone.listen("log", own.append)
    await alone.start()
    redis = open_valkey(valkey.url)
    try:
        async with asyncio.timeout(10):
            while not alone.subscribed:
                await asyncio.sleep(0.01)
            before, begun = await said(redis), time.monotonic()
            for number in range(1, 301):
                alone.publish("log", number)
                assert own[-1] == number
                await asyncio.sleep(0.001)
            assert 1 <= await said(redis) - before <= 2 + (time.monotonic() - begun) / QUIET_S
            other.listen("log", heard.put_nowait)
            assert await heard.get() == 0
            alone.publish("log", 301)
            while await heard.get() != 301:
                pass
            monkeypatch.setattr(notifier, "QUIET_S", 60)  # no pause is made any more, however short
            for number in range(302, 312):
                alone.publish("log", number)
                assert await heard.get() == number
            assert own == [0, *range(1, 312)]  # each once: what it said itself doesn't come back
    finally:
        await redis.aclose()
        await alone.stop()
        await other.stop()


async def said(redis: Redis) -> int:
    """How many messages the server was given to pass on."""
    return int((await redis.info("commandstats")).get("cmdstat_publish", {"calls": 0})["calls"])


async def test_who_has_ended_to_listen_hears_nothing_and_the_others_all(valkey: EmbeddedValkey):
    one = Notifier(valkey.url, prefix=uuid4().hex)
    first: list[int] = []
    others: list[int] = []
    stop = one.listen("log", first.append)
    one.listen("log", others.append)
    one.listen("log", others.append)
    try:
        one.publish("log", 1)
        stop()
        stop()
        one.publish("log", 2)
    finally:
        await one.stop()
    assert (first, others) == ([1], [1, 1, 2, 2])
