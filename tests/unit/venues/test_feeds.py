"""Prices from outside: what is old, wild, or not what others say makes no price."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from api.prices import Ticker
from domain.tokens import BONK, JUP, KNOWN_TOKENS, SOL, USDC, USDT, Pair, pair_of
from venues.feeds.agreement import AgreedPrices
from venues.feeds.recorded import RecordedFeed
from venues.feeds.ticks import FeedPrices
from venues.prices import PairPrice, Prices
from venues.tick import Tick

SOL_USDC, JUP_SOL, BONK_USDC = pair_of(SOL, USDC), pair_of(JUP, SOL), pair_of(BONK, USDC)
PAIRS = [SOL_USDC, JUP_SOL, BONK_USDC]


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def tick(bid: str, ask: str | None = None, at: float = Clock.now) -> Tick:
    return Tick(Decimal(bid), Decimal(ask or bid), at)


class Given:
    name = "given"

    def __init__(self, **ticks: Tick) -> None:
        self.held = {token.mint: ticks[token.symbol] for token in KNOWN_TOKENS.tokens if token.symbol in ticks}

    async def ticks(self) -> Mapping[str, Tick]:
        return self.held


async def seen(feed: Given, clock: Clock | None = None) -> Prices:
    return await FeedPrices(feed, max_age=5.0, clock=clock or Clock()).observe(PAIRS)


async def test_a_pair_is_what_sellers_get_and_buyers_pay_across_both_spreads() -> None:
    prices = await seen(Given(SOL=tick("149.9", "150.1"), USDC=tick("0.999", "1.001"), JUP=tick("0.75")))
    assert prices.pairs.keys() == {"SOL/USDC", "JUP/SOL"}
    price = prices.pairs["SOL/USDC"]
    assert price.sell < Decimal("149.9") / Decimal("1.0009")
    assert price.buy > Decimal("150.1") / Decimal("0.9991")
    assert price.sell * Decimal("1.001") <= Decimal("149.9")
    assert price.buy * Decimal("0.999") >= Decimal("150.1")
    # No depths are known: nothing triggers by its quote at size.
    assert price.out("sell", 10**9) == 0
    assert (prices.source, prices.slot) == ("given", 1_800_000_000_000)


@pytest.mark.parametrize(
    "bad",
    [
        tick("0"),
        tick("-1"),
        tick("150", "149"),
        tick("NaN"),
        tick("sNaN"),
        tick("150", "Infinity"),
        tick("150", at=Clock.now - 6),
        tick("150", at=Clock.now + 6),
        tick("1e1000000"),
        tick("1e-1000000"),
        tick("150", "1e1000000"),
        tick("1e10"),
        tick("1e-10"),
    ],
)
async def test_a_tick_that_is_old_or_no_price_makes_none(bad: Tick) -> None:
    prices = await seen(Given(SOL=bad, USDC=tick("1"), BONK=tick("0.00003")))
    assert prices.pairs.keys() == {"BONK/USDC"}


async def test_one_token_that_stands_still_has_no_price_beside_others_that_live() -> None:
    clock = Clock()
    feed = Given(SOL=tick("150"), USDC=tick("1"), BONK=tick("0.00003"))
    for _ in range(6):
        clock.now += 1
        feed.held |= {USDC.mint: tick("1", at=clock.now), BONK.mint: tick("0.00003", at=clock.now)}
    assert (await seen(feed, clock)).pairs.keys() == {"BONK/USDC"}


async def test_a_pair_is_as_old_as_the_older_of_its_ticks_however_new_another_tokens_is() -> None:
    clock = Clock()
    feed = Given(SOL=tick("150", at=clock.now - 4), USDC=tick("1"), BONK=tick("0.00003"))
    source = FeedPrices(feed, max_age=5.0, clock=clock)
    ticker = Ticker(source, source.age)
    prices, age = await ticker.observe(PAIRS)
    assert age == 0
    ages = {symbol: await ticker.age(prices, price, age) for symbol, price in prices.pairs.items()}
    assert ages == {"SOL/USDC": 4, "BONK/USDC": 0}
    assert prices.slot_of(prices.pairs["SOL/USDC"]) == (clock.now - 4) * 1000


async def test_a_tick_from_later_makes_no_slot_to_come() -> None:
    prices = await seen(Given(SOL=tick("150", at=Clock.now * 1000), USDC=tick("1"), BONK=tick("0.00003")))
    assert prices.slot == Clock.now * 1000


async def test_prices_are_as_old_as_their_newest_tick() -> None:
    clock = Clock()
    prices = FeedPrices(
        Given(SOL=tick("150", at=clock.now - 3), USDC=tick("1", at=clock.now - 4)), max_age=5, clock=clock
    )
    observed = await prices.observe(PAIRS)
    assert await prices.age(observed.slot) == 3
    clock.now += 10
    assert (await prices.observe(PAIRS)).pairs == {}


class Says:
    """Prices of SOL/USDC, and of others, as ``prices`` has them."""

    def __init__(self, name: str, *prices: tuple[Pair, str], broken: bool = False) -> None:
        self.name = name
        self._prices = prices
        self._broken = broken

    async def observe(self, pairs: Sequence[Pair]) -> Prices:
        if self._broken:
            raise ConnectionError
        return Prices(
            self.name, 7, {pair.symbol: PairPrice(pair, Decimal(at), Decimal(at), ()) for pair, at in self._prices}
        )


@pytest.mark.parametrize(
    ("others", "used"),
    [
        ([Says("b", (SOL_USDC, "151"))], True),
        ([Says("b", (SOL_USDC, "149"))], True),
        ([Says("b", (SOL_USDC, "151.6"))], False),
        ([Says("b", (SOL_USDC, "150000"))], False),
        ([Says("b", (SOL_USDC, "0.15"))], False),
        ([Says("b")], False),
        ([Says("b", broken=True)], False),
        ([Says("b", broken=True), Says("c", (SOL_USDC, "150"))], True),
        ([Says("b", (SOL_USDC, "150")), Says("c", (SOL_USDC, "160"))], False),
    ],
)
async def test_a_price_is_used_where_the_others_say_about_the_same(others: list[Says], used: bool) -> None:
    agreed = AgreedPrices(Says("a", (SOL_USDC, "150")), others, most_bps=100)
    prices = await agreed.observe(PAIRS)
    assert ("SOL/USDC" in prices.pairs) == used
    assert prices.slot == 7
    assert prices.source == "+".join(["a", *(other.name for other in others)])


async def test_what_the_first_source_raises_is_raised() -> None:
    with pytest.raises(ConnectionError):
        await AgreedPrices(Says("a", broken=True), [Says("b")], most_bps=100).observe(PAIRS)


def write(tmp_path: Path, *lines: dict[str, object] | str) -> Path:
    file = tmp_path / "ticks.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return file


async def test_recorded_ticks_are_played_from_when_they_are_first_asked_for(tmp_path: Path) -> None:
    clock = Clock()
    file = write(
        tmp_path,
        {"after": 0, "token": "SOL", "bid": "150", "ask": "150"},
        {"after": 2, "token": SOL.mint, "bid": "151", "ask": "152"},
        "",
        {"after": 0, "token": "usdc", "bid": "1", "ask": "1"},
    )
    feed = RecordedFeed(file, KNOWN_TOKENS, clock=clock)
    clock.now += 100
    assert (await feed.ticks())[SOL.mint] == tick("150", at=clock.now)
    clock.now += 2
    assert (await feed.ticks())[SOL.mint] == tick("151", "152", at=clock.now)
    clock.now += 60
    assert (await seen_of(feed, clock)).pairs == {}


async def seen_of(feed: RecordedFeed, clock: Clock) -> Prices:
    return await FeedPrices(feed, max_age=5.0, clock=clock).observe(PAIRS)


@pytest.mark.parametrize(
    "line",
    [
        "no JSON",
        {"after": 0, "token": "SOL", "bid": 150.1, "ask": "151"},
        {"after": 0, "token": "DOGE", "bid": "1", "ask": "1"},
        {"after": 0, "token": "SOL", "bid": "a lot", "ask": "1"},
        {"after": 0, "token": "SOL", "bid": "1"},
    ],
)
def test_a_line_that_is_no_tick_is_named(line: dict[str, object] | str, tmp_path: Path) -> None:
    file = write(tmp_path, {"after": 0, "token": "SOL", "bid": "150", "ask": "150"}, line)
    with pytest.raises(ValueError, match="line 2"):
        RecordedFeed(file, KNOWN_TOKENS)


assert USDT.symbol == "USDT"
