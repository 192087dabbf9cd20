"""A jump of a feed's price is believed once the token that jumped has been said anew, and by nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from domain.tokens import JUP, KNOWN_TOKENS, SOL, USDC, Pair, pair_of
from tests.unit.venues.test_feeds import Clock, tick
from tests.unit.venues.test_remote_feeds import PriceStub, TickerStub, binance, jupiter, ticker, until
from venues.feeds.recorded import RecordedFeed
from venues.feeds.ticks import Feed, FeedPrices
from venues.prices import PairPrice
from venues.tick import Tick
from workers.watcher.price_jump_filter import PriceJumpFilter

SOL_USDC, JUP_SOL = pair_of(SOL, USDC), pair_of(JUP, SOL)
NOW = Clock.now


class Watching:
    """What a watcher lets pass of ``feed``, over and over: the sell touches, None where one is held back."""

    def __init__(self, feed: Feed, clock: Clock | None = None, pair: Pair = SOL_USDC) -> None:
        self._prices = FeedPrices(feed, max_age=5.0, **({"clock": clock} if clock else {}))
        self._pair = pair
        self._jumps = PriceJumpFilter()

    async def look(self) -> Decimal | None:
        seen = await self._prices.observe([self._pair])
        price = seen.pairs[self._pair.symbol]
        return price.sell if self._jumps.accepts(price, seen.slot) else None


class Said:
    """A feed that has said ``held``."""

    name = "said"

    def __init__(self, **ticks: Tick) -> None:
        self.held: dict[str, Tick] = {}
        self.say(**ticks)

    def say(self, **ticks: Tick) -> None:
        for symbol, one in ticks.items():
            token = KNOWN_TOKENS.find(symbol)
            assert token
            self.held[token.mint] = one

    async def ticks(self) -> Mapping[str, Tick]:
        return self.held


async def test_a_wild_line_of_a_file_is_not_borne_out_by_another_tokens(tmp_path: Path) -> None:
    lines = [(0, "SOL", "150"), (0, "USDC", "1"), (1, "SOL", "150"), (2, "SOL", "0.15"), (2.2, "JUP", "1"),
             (2.5, "SOL", "150")]  # fmt: skip
    file = tmp_path / "ticks.jsonl"
    file.write_text(
        "\n".join(json.dumps({"after": at, "token": token, "bid": bid, "ask": bid}) for at, token, bid in lines)
    )
    clock = Clock()
    watching = Watching(RecordedFeed(file, KNOWN_TOKENS, clock=clock), clock)
    seen = []
    for tenth in range(31):
        clock.now = NOW + tenth / 10 + (0.01 if tenth else 0)
        seen.append(await watching.look())
    assert set(seen[:10]) == {None}
    assert set(seen[10:20]) == {Decimal(150)} == set(seen[25:])
    assert set(seen[20:25]) == {None}


async def test_a_wild_answer_of_jupiters_is_not_borne_out_by_one_without_the_token() -> None:
    clock = Clock()
    dollar = f'"{USDC.mint}": {{"usdPrice": 1, "blockId": %d}}'

    def said(stub: PriceStub, block: int, sol: str | None) -> None:
        one = f'{{"usdPrice": {sol}, "blockId": {block}}}' if sol else "null"
        stub.body = f'{{"{SOL.mint}": {one}, {dollar % block}}}'
        clock.now += 2

    async with jupiter(clock) as (stub, feed):
        watching = Watching(feed, clock)
        for block, sol, passes in ((1, "150", None), (2, "150", "150"), (3, "0.15", None), (4, None, None),
                                   (5, "150", "150")):  # fmt: skip
            said(stub, block, sol)
            assert await watching.look() == (Decimal(passes) if passes else None), block


async def test_a_wild_ticker_of_binances_is_not_borne_out_by_another_symbols() -> None:
    stub = TickerStub([ticker("USDCUSDT", "1", "1"), ticker("SOLUSDT", "150", "150")])
    async with binance(stub) as feed:
        await until(lambda: len(feed._ticks) == 2)
        watching = Watching(feed)
        assert await watching.look() is None
        said = (("SOLUSDT", "150", "150"), ("SOLUSDT", "0.15", None), ("JUPUSDT", "1", None), ("USDCUSDT", "1", None),
                ("SOLUSDT", "150", "150"))  # fmt: skip
        for update, (symbol, price, passes) in enumerate(said, 400_900_218):
            await asyncio.sleep(0.005)  # another millisecond, and so another slot
            assert feed._take(json.dumps(ticker(symbol, price, price, update)))
            assert await watching.look() == (Decimal(passes) if passes else None), (symbol, price)


async def look_at(watching: Watching, feed: Said, **ticks: Tick) -> Decimal | None:
    feed.say(**ticks)
    return await watching.look()


async def test_a_jump_is_believed_by_the_next_tick_of_its_token_though_the_other_is_never_said_again() -> None:
    feed = Said(SOL=tick("150", at=NOW - 4), USDC=tick("1", at=NOW - 4))
    watching = Watching(feed, Clock())
    assert await watching.look() is None
    assert await look_at(watching, feed, SOL=tick("150", at=NOW - 3)) == 150
    assert await look_at(watching, feed, SOL=tick("60", at=NOW - 2)) is None
    assert await look_at(watching, feed, SOL=tick("61", at=NOW - 1)) == 61


async def test_a_wild_quote_token_is_not_borne_out_by_the_base() -> None:
    feed = Said(JUP=tick("1", at=NOW - 4), SOL=tick("150", at=NOW - 4))
    watching = Watching(feed, Clock(), JUP_SOL)
    assert await watching.look() is None
    # Nothing is known yet: either of the two may be wild.
    assert await look_at(watching, feed, JUP=tick("1", at=NOW - 3.5)) is None
    assert await look_at(watching, feed, SOL=tick("150", at=NOW - 3))
    assert await look_at(watching, feed, SOL=tick("0.15", at=NOW - 2)) is None
    assert await look_at(watching, feed, JUP=tick("1", at=NOW - 1)) is None
    assert await look_at(watching, feed, SOL=tick("0.15", at=NOW - 0.5))


async def test_where_both_together_make_the_jump_both_are_said_again() -> None:
    feed = Said(JUP=tick("1", at=NOW - 4), SOL=tick("150", at=NOW - 4))
    watching = Watching(feed, Clock(), JUP_SOL)
    await watching.look()
    assert await look_at(watching, feed, JUP=tick("1", at=NOW - 3), SOL=tick("150", at=NOW - 3))
    assert await look_at(watching, feed, JUP=tick("1.7", at=NOW - 2), SOL=tick("100", at=NOW - 2)) is None
    assert await look_at(watching, feed, JUP=tick("1.7", at=NOW - 1)) is None
    assert await look_at(watching, feed, SOL=tick("100", at=NOW - 1))


async def test_another_wild_tick_does_not_bear_out_the_one_held_back() -> None:
    feed = Said(SOL=tick("150", at=NOW - 4), USDC=tick("1", at=NOW - 4))
    watching = Watching(feed, Clock())
    await watching.look()
    assert await look_at(watching, feed, SOL=tick("150", at=NOW - 3))
    assert await look_at(watching, feed, SOL=tick("0.15", at=NOW - 2)) is None
    assert await look_at(watching, feed, SOL=tick("150", at=NOW - 1), USDC=tick("1000", at=NOW - 1)) is None


async def test_a_first_price_with_a_dollar_that_is_none_waits_for_both() -> None:
    feed = Said(SOL=tick("150", at=NOW - 4), USDC=tick("0.001", at=NOW - 4))
    watching = Watching(feed, Clock())
    await watching.look()
    assert await look_at(watching, feed, SOL=tick("150", at=NOW - 3)) is None


def test_of_pools_a_later_slot_is_a_second_opinion() -> None:
    jumps, price = PriceJumpFilter(), PairPrice(SOL_USDC, Decimal(150), Decimal(150), ())
    assert [jumps.accepts(price, slot) for slot in (1, 1, 2)] == [False, False, True]
