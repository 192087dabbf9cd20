"""Whether a price may trigger orders, by its slot and by how old that is."""

from __future__ import annotations

from venues.prices import Prices
from workers.watcher.freshness import Freshness

MAX_AGE = 5.0
SLOT_S = 0.4


class Chain:
    """A chain whose slot 1,000 is at second 0, and what judges the prices that are read from it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[int] = []
        self.freshness = Freshness(self.age, MAX_AGE, clock=lambda: self.now)

    @property
    def slot(self) -> int:
        return 1_000 + int(self.now / SLOT_S)

    async def age(self, slot: int) -> int:
        self.asked.append(slot)
        return max(0, int(self.now - (slot - 1_000) * SLOT_S))

    async def judge(self, slot: int | None = None) -> str:
        self.now += 0.1
        return await self.freshness.judge(Prices("pools", self.slot if slot is None else slot, {}))

    async def verdicts(self, seconds: float, behind: int = 0) -> list[str]:
        return [await self.judge(self.slot - behind) for _ in range(round(seconds * 10))]


async def test_a_slot_before_one_that_was_seen_is_late() -> None:
    chain = Chain()
    assert await chain.judge() == "used"
    assert await chain.judge(chain.slot - 1) == "late"
    assert await chain.judge() == "used"


async def test_one_overstated_slot_stops_triggers_for_as_long_as_a_price_may_be_old() -> None:
    chain = Chain()
    await chain.verdicts(2)
    await chain.judge(chain.slot + 10_000_000)
    while_believed = await chain.verdicts(MAX_AGE)
    assert set(while_believed[:-1]) == {"late"}
    assert set(await chain.verdicts(20)) == {"used"}


async def test_a_source_that_fell_back_for_good_is_as_old_as_the_chain_says() -> None:
    chain = Chain()
    await chain.verdicts(2)
    lagging = await chain.verdicts(20, behind=int(8 / SLOT_S))
    assert "used" not in lagging and lagging[-1] == "stale"
    assert (await chain.verdicts(2))[-1] == "used"


async def test_one_that_stands_still_is_stale_and_stays_so() -> None:
    chain = Chain()
    still = chain.slot
    told = [await chain.judge(still) for _ in range(300)]
    assert told[0] == "used" and set(told[70:]) == {"stale"}
    assert await chain.judge() == "used"
