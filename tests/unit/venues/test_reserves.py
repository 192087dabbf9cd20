"""How often the chain is read for the reserves, and how old what is handed out can be."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tests.unit.venues.test_pools import Answer
from venues import reserves
from venues.reserves import Reserves, ReservesCache

VAULTS = ("a", "b")


class Reader:
    """Each read is of the next slot, at which every vault holds as much as the slot's number."""

    def __init__(self) -> None:
        self.reads = 0
        self.hold: asyncio.Event | None = None
        self.down = False

    async def accounts(self, addresses: Sequence[str]) -> Answer:
        self.reads += 1
        slot, hold = self.reads, self.hold
        if hold:
            await hold.wait()
        if self.down:
            raise ConnectionError("down")
        return Answer(slot, tuple(bytes(64) + slot.to_bytes(8, "little") for _ in addresses))

    async def program_accounts(self, program: str) -> list[tuple[str, bytes]]:
        return []


async def test_callers_of_one_moment_share_a_read_and_each_gets_its_slot() -> None:
    reader = Reader()
    cache = ReservesCache(reader, VAULTS, 60)
    found = await asyncio.gather(*(cache.latest() for _ in range(50)))
    assert {held.slot for held in found} == {1}
    assert found[0] == Reserves(1, {"a": 1, "b": 1})
    assert (await cache.latest()).slot == 1
    assert reader.reads == 1


async def test_nothing_older_than_its_age_is_handed_out() -> None:
    reader = Reader()
    cache = ReservesCache(reader, VAULTS, 0.02)
    assert (await cache.latest(keep_warm=False)).slot == 1
    await asyncio.sleep(0.03)
    assert reader.reads == 1
    assert (await cache.latest(keep_warm=False)).slot == 2


async def test_with_an_age_of_nothing_every_caller_has_a_read_of_its_own() -> None:
    reader = Reader()
    cache = ReservesCache(reader, VAULTS, 0)
    assert [(await cache.latest()).slot for _ in range(3)] == [1, 2, 3]


async def test_while_it_is_used_the_next_read_is_made_before_anybody_waits_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reserves, "KEPT_WARM_S", 0.2)
    reader = Reader()
    cache = ReservesCache(reader, VAULTS, 0.1)
    await cache.latest()
    await asyncio.sleep(0.12)
    assert reader.reads >= 2
    reader.hold = asyncio.Event()
    async with asyncio.timeout(0.04):
        assert (await cache.latest()).slot >= 2
    reader.hold.set()
    await asyncio.sleep(0.5)
    silent = reader.reads
    await asyncio.sleep(0.3)
    assert reader.reads == silent


async def test_one_caller_alone_makes_few_reads_for_nobody() -> None:
    reader = Reader()
    cache = ReservesCache(reader, VAULTS)
    await cache.latest()
    await asyncio.sleep(0.7)
    assert reader.reads <= 3


async def test_a_failed_read_reaches_who_waits_and_the_next_one_asks_again() -> None:
    reader = Reader()
    reader.down = True
    cache = ReservesCache(reader, VAULTS, 0.05)
    failed = await asyncio.gather(*(cache.latest() for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in failed] == [ConnectionError] * 3
    assert reader.reads == 1
    reader.down = False
    assert (await cache.latest()).slot == 2


async def test_a_read_that_hangs_holds_up_only_those_who_came_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reserves, "_SHARED_S", 0.05)
    reader = Reader()
    reader.hold = hanging = asyncio.Event()
    cache = ReservesCache(reader, VAULTS, 60)
    first = asyncio.create_task(cache.latest(keep_warm=False))
    await asyncio.sleep(0.1)
    reader.hold = None
    assert (await cache.latest(keep_warm=False)).slot == 2
    hanging.set()
    assert (await first).slot == 1
    assert (await cache.latest(keep_warm=False)).slot == 2
