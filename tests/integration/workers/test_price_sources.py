"""Waiting orders triggered by prices from outside of the chain, as PRICE_SOURCE composes them."""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from domain.events import OrderTriggered
from domain.tokens import SOL, USDC, pair_of
from runtime.errors import SettingsError
from runtime.price_sources import open_prices
from tests.integration.workers.harness import EngineHarness

LIMIT: dict[str, Any] = {"type": "limit", "limit_price": Decimal("140")}


def recorded(tmp_path: Path, price: str, *, seconds: int = 30) -> str:
    lines = [
        json.dumps({"after": at / 5, "token": token, "bid": bid, "ask": bid})
        for at in range(seconds * 5)
        for token, bid in (("SOL", price), ("USDC", "1"))
    ]
    file = tmp_path / f"{price}.jsonl"
    file.write_text("\n".join(lines))
    return f"file:{file}"


def played(tmp_path: Path, *lines: tuple[float, str, str]) -> str:
    file = tmp_path / "played.jsonl"
    file.write_text(
        "\n".join(json.dumps({"after": at, "token": token, "bid": bid, "ask": bid}) for at, token, bid in lines)
    )
    return f"file:{file}"


def watched(engine: EngineHarness, *sources: str) -> Any:
    settings = engine.settings.model_copy(update={"price_source": sources})
    return open_prices(settings, engine.book, engine.chain.slot_age)


async def test_a_limit_order_is_triggered_by_a_feed_and_recorded_with_it(engine: EngineHarness, tmp_path: Path) -> None:
    async with watched(engine, recorded(tmp_path, "140.5")) as prices:
        engine.start_watcher(source=prices.source, slot_age=prices.slot_age)
        order_id = await engine.submit(**LIMIT)
        await engine.until(order_id, lambda order: order.status != "pending")
        await engine.stop()
    [triggered] = [one for one in (await engine.history(order_id)).events if isinstance(one, OrderTriggered)]
    assert triggered.observation is not None
    assert triggered.observation.source == "file"
    assert triggered.observation.touch == Decimal("140.5")


async def test_where_a_feed_and_the_pools_disagree_nothing_is_triggered(engine: EngineHarness, tmp_path: Path) -> None:
    """The pools are at 150: a feed at 140.5, or a thousandfold off, is believed by itself alone."""
    for sources in (("pools", recorded(tmp_path, "140.5")), (recorded(tmp_path, "140500"), "pools")):
        async with watched(engine, *sources) as prices:
            engine.start_watcher(source=prices.source, slot_age=prices.slot_age)
            order_id = await engine.submit(**LIMIT)
            await asyncio.sleep(1.0)
            assert (await engine.order(order_id)).status == "pending"
            await engine.stop()


async def test_where_they_agree_the_first_triggers(engine: EngineHarness, tmp_path: Path) -> None:
    async with watched(engine, "pools", recorded(tmp_path, "150.2")) as prices:
        engine.start_watcher(source=prices.source, slot_age=prices.slot_age)
        order_id = await engine.submit(**LIMIT)
        await engine.until(order_id, lambda order: order.status != "pending")
        await engine.stop()


async def test_pools_that_are_old_bear_no_other_price_out(engine: EngineHarness, tmp_path: Path) -> None:
    settings = engine.settings.model_copy(update={"price_source": (recorded(tmp_path, "150.2"), "pools")})

    async def long_ago(_: int) -> int:
        return settings.price_max_age + 2

    for slot_age, used in ((engine.chain.slot_age, True), (long_ago, False)):
        async with open_prices(settings, engine.book, slot_age) as prices:
            seen = await prices.source.observe([pair_of(SOL, USDC)])
            assert bool(seen.pairs) is used


async def test_a_single_wild_tick_latches_no_stop_whatever_else_the_feed_says(
    engine: EngineHarness, tmp_path: Path
) -> None:
    """It is the newest of its token for half a second, while another token's ticks go on."""
    lines = [(0, "USDC", "1"), (0, "SOL", "150"), (0.5, "SOL", "150"), (1.0, "SOL", "0.15"), (1.5, "SOL", "150")]
    others = [(1.0 + at / 10, "JUP", "1") for at in range(1, 5)]
    later = [(at / 5, token, bid) for at in range(10, 150) for token, bid in (("SOL", "150"), ("USDC", "1"))]
    crash = [(4.0, "SOL", "0.15"), (4.1, "SOL", "0.15")]
    stop: dict[str, Any] = {"type": "stop-limit", "stop_price": Decimal(100), "limit_price": Decimal("0.01")}
    calm = [line for line in later if line[0] < 4.0 or line[1] != "SOL"]
    async with watched(engine, played(tmp_path, *lines, *others, *calm, *crash)) as prices:
        engine.start_watcher(source=prices.source, slot_age=prices.slot_age)
        order_id = await engine.submit(**stop)
        await asyncio.sleep(3.0)
        assert (await engine.order(order_id)).status == "pending"
        assert not (await engine.order(order_id)).stop_reached
        # A price that stays is believed: of this the order is triggered.
        await engine.until(order_id, lambda order: order.stop_reached)
        await engine.stop()


async def test_a_file_that_cannot_be_read_is_said_at_the_start(engine: EngineHarness, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="PRICE_SOURCE"):
        async with watched(engine, f"file:{tmp_path}/none.jsonl"):
            pass
