"""A market outside that the pools follow: by real swaps, through a node's absence, until it is told to end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest

from chains.solana_client import SolanaChain
from chains.wallet import read_keypair
from domain.tokens import Pair
from localnet.keys import MARKET_KEY
from localnet.market.arbitrage import pool_reserves
from localnet.market.follow import follow
from localnet.market.walk import Prices, outside_prices
from localnet.world import pairs
from tests.integration.localnet.local_node import LocalNode
from venues.constant_product import PROGRAM_ID
from venues.pools import PoolBook

SUREFILL = Path(sys.executable).with_name("surefill")
SOL_USDC = next(pair for pair in pairs() if pair.symbol == "SOL/USDC")


async def furthest_off(node: LocalNode, prices: Prices) -> Decimal:
    """How far the worst pool is from its pair's price, 0.01 being 1 %."""
    async with SolanaChain(node.url) as chain:
        pools = await pool_reserves(PoolBook(chain, PROGRAM_ID), list(prices))
    return max(_off(pair, one.base, one.quote, prices[pair]) for pair, each in pools.items() for one in each)


def _off(pair: Pair, base: int, quote: int, price: Decimal) -> Decimal:
    held = Decimal(quote).scaleb(-pair.quote.decimals) / Decimal(base).scaleb(-pair.base.decimals)
    return abs(held / price - 1)


async def market(node: LocalNode, steps: Iterable[Prices], said: list[str], *, interval: float) -> None:
    """Run it to the end of ``steps``; what it says goes into ``said``."""
    async with SolanaChain(node.url) as chain:
        await follow(chain, read_keypair(node.directory / MARKET_KEY), steps, interval=interval, say=said.append)


async def hears(said: list[str], words: str) -> None:
    async with asyncio.timeout(20):
        while not any(words in line for line in said):
            await asyncio.sleep(0.02)


async def test_the_pools_of_every_pair_follow_the_prices_outside(own_node: LocalNode) -> None:
    own_node.start()
    steps = list(islice(outside_prices(3, 100, pairs()), 3))
    assert await furthest_off(own_node, steps[-1]) > Decimal("0.005")
    said: list[str] = []
    await market(own_node, steps, said, interval=1.5)
    assert await furthest_off(own_node, steps[-1]) <= Decimal("0.0001")
    assert sum("SOL/USDC" in line for line in said) == 1


async def test_it_goes_on_when_the_node_comes_back_and_the_outside_did_not_wait(own_node: LocalNode) -> None:
    own_node.start()
    passed: list[Prices] = []

    def steps() -> Iterator[Prices]:
        for prices in outside_prices(4, 100, [SOL_USDC]):
            passed.append(prices)
            yield prices

    said: list[str] = []
    following = asyncio.create_task(market(own_node, steps(), said, interval=0.2))
    await hears(said, "SOL/USDC")
    await asyncio.to_thread(own_node.kill)
    await hears(said, "the node is unreachable")
    gone = len(passed)
    await asyncio.sleep(1)
    await asyncio.to_thread(own_node.start)
    await hears(said, "the node is back")
    async with asyncio.timeout(10):
        while await furthest_off(own_node, passed[-1]) > Decimal("0.0001"):
            await asyncio.sleep(0.02)
    following.cancel()
    assert len(passed) > gone + 4
    assert sum("the node is unreachable" in line for line in said) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_says_where_prices_are_and_ends_by_a_signal_with_0(
    number: signal.Signals, tmp_path: Path, own_node: LocalNode
) -> None:
    own_node.directory = tmp_path / "localnet"
    own_node.start()
    running = subprocess.Popen(
        [SUREFILL, "localnet", "market", "--seed", "7", "--pairs", "sol/usdc,JUP/USDC", "--interval", "100"],
        env={**os.environ, "DATA_DIR": str(tmp_path), "SOLANA_RPC_URL": own_node.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout
    lines = [running.stdout.readline(), running.stdout.readline()]
    running.send_signal(number)
    _, errors = running.communicate(timeout=10)
    assert (running.returncode, errors) == (0, "")
    assert [line.split()[1] for line in lines] == ["SOL/USDC", "JUP/USDC"]
    assert Decimal(lines[0].split()[2]) == round(next(outside_prices(7, 10, [SOL_USDC]))[SOL_USDC], 4)
