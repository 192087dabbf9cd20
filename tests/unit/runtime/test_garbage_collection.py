"""Reference cycles are collected while the process has nothing else to do, and not while it has."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from weakref import ref

import pytest

from runtime.garbage_collection import collect_when_idle
from runtime.roles import entry
from runtime.settings import Settings


class Cycle:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def no_other_collections() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def survivor() -> ref[Cycle]:
    """A cycle that nobody holds any more, and that was held when young objects were collected."""
    cycle = Cycle()
    gc.collect(0)
    return ref(cycle)


async def test_an_idle_process_lets_go_of_what_survived_a_collection() -> None:
    left = survivor()
    collecting = asyncio.create_task(collect_when_idle(0.2))
    async with asyncio.timeout(10):
        while left() is not None:
            await asyncio.sleep(0.05)
    collecting.cancel()


async def test_a_busy_one_is_not_stopped_for_it() -> None:
    left = survivor()
    collecting = asyncio.create_task(collect_when_idle(0.2))
    until = time.process_time() + 0.6
    while time.process_time() < until:
        await asyncio.sleep(0)
    assert left() is not None
    collecting.cancel()


async def test_every_role_has_it_done_for_as_long_as_it_runs() -> None:
    beside: list[asyncio.Task[object]] = []

    async def role(_: Settings) -> None:
        beside.extend(one for one in asyncio.all_tasks() if one.get_name() == "garbage-collection")

    await entry._checked(Settings(SUREFILL_SUPERVISED=True), role)  # type: ignore[call-arg]
    [collecting] = beside
    await asyncio.wait([collecting])
    assert collecting.cancelled()
