"""``surefill localnet market``: the pools follow prices from outside, as arbitrage makes real ones do."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime

from solders.keypair import Keypair

from chains.errors import ChainUnavailableError
from chains.solana_client import SolanaChain
from domain.numbers import plain
from domain.tokens import Pair
from localnet.market.arbitrage import Arbitrage
from localnet.market.walk import Prices
from venues.constant_product import PROGRAM_ID
from venues.pools import PoolBook

PROGRESS_SECONDS = 10.0
_DIGITS = 7


async def follow(
    chain: SolanaChain, market: Keypair, steps: Iterable[Prices], *, interval: float, say: Callable[[str], None]
) -> None:
    """Move the pools to each of ``steps`` in turn, one every ``interval`` seconds, until there are no more.

    A step whose time has passed, because the node is slow or unreachable, is left out.
    """
    arbitrage = Arbitrage(chain, PoolBook(chain, PROGRAM_ID), market)
    clock, progress, unreachable = asyncio.get_running_loop(), _Progress(say), False
    due = clock.time()
    for prices in steps:
        due += interval
        if clock.time() >= due:
            continue
        try:
            done = await arbitrage.move_toward(prices)
        except ChainUnavailableError as reason:
            if not unreachable:
                say(f"{_now()}  the node is unreachable ({reason}); prices outside go on")
            unreachable = True
        else:
            if unreachable:
                say(f"{_now()}  the node is back")
            unreachable = False
            for short in done.short.values():
                say(f"{_now()}  {short}")
            progress.count(done.swaps, prices, clock.time())
        await asyncio.sleep(max(0.0, due - clock.time()))


class _Progress:
    """A line for each pair after the first step, and then every ``PROGRESS_SECONDS``."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._swaps: Counter[Pair] = Counter()
        self._next = 0.0

    def count(self, swaps: dict[Pair, int], prices: Prices, now: float) -> None:
        self._swaps.update(swaps)
        if now < self._next:
            return
        self._next = now + PROGRESS_SECONDS
        for pair, price in prices.items():
            shown = plain(round(price, max(0, _DIGITS - 1 - price.adjusted())))
            self._say(f"{_now()}  {pair.symbol:9}  {shown:>12}  {self._swaps[pair]} swaps")


def _now() -> str:
    return f"{datetime.now():%H:%M:%S}"
