"""Wake-ups between processes."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from event_store.notifier import SUBJECTS, Notifier, Subject
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
