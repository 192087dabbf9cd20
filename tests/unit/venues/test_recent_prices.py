"""A source that stands still, or asks a node far behind, has no prices to bear another's out."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from domain.tokens import SOL, USDC, Pair, pair_of
from venues.prices import PairPrice, Prices
from venues.recent_prices import RecentPrices

SOL_USDC = pair_of(SOL, USDC)
PRICE = PairPrice(SOL_USDC, Decimal(150), Decimal(150), ())


class Chain:
    """A pool source and a chain of one slot a second, whose node is ``behind`` by so many."""

    name = "pools"

    def __init__(self) -> None:
        self.now, self.behind, self.set_back = 100, 0, 0
        self.asked = 0
        self.frozen: int | None = None

    async def observe(self, pairs: Sequence[Pair]) -> Prices:
        slot = self.now - self.behind if self.frozen is None else self.frozen
        return Prices(self.name, slot, {SOL_USDC.symbol: PRICE})

    async def slot_age(self, slot: int) -> int:
        self.asked += 1
        return max(0, self.now - self.set_back - slot)


def recent(chain: Chain) -> RecentPrices:
    return RecentPrices(chain, chain.slot_age, max_age=5, clock=lambda: float(chain.now))


async def has_prices(source: RecentPrices) -> bool:
    return bool((await source.observe([SOL_USDC])).pairs)


async def test_prices_that_go_on_are_used_and_the_chain_is_asked_now_and_then() -> None:
    chain = Chain()
    source = recent(chain)
    assert source.name == "pools"
    for _ in range(70):
        assert await has_prices(source)
        chain.now += 1
    assert chain.asked == 10


@pytest.mark.parametrize("set_back", [0, 3600])
async def test_a_source_that_stands_still_has_no_prices_once_they_are_old(set_back: int) -> None:
    chain = Chain()
    source = recent(chain)
    chain.frozen = chain.now
    assert await has_prices(source)
    chain.set_back = set_back
    chain.now += 6
    assert await has_prices(source), "the chain's clock may say a second too much"
    chain.now += 1
    assert not await has_prices(source)
    chain.frozen, chain.set_back = None, 0
    assert await has_prices(source)


async def test_a_node_far_behind_has_none_though_it_moves_on_and_though_another_one_is_not() -> None:
    chain = Chain()
    source = recent(chain)
    for behind, used in ((60, False), (60, False), (0, True), (60, False), (0, True)):
        chain.behind = behind
        assert await has_prices(source) is used
        chain.now += 1
