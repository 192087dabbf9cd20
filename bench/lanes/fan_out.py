"""Ten thousand sockets, each on a waiting order of its own, while fifty of the orders a second are executed.

Each second the local market's price rises by a step that meets fifty of them. What is measured is the way from the
commit of an event to its message at a client, which is a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.closed_loop import fullest
from bench.engine import Engine
from bench.ladder import FIRST_PRICE, STEP, far_limits, limit_order, limits_met
from bench.percentiles import RANKS, percentile, rank_name
from bench.posting import post_all
from bench.processes import between, memory, sample
from bench.product import MARKET_KEY, move
from bench.report import LaneResult
from bench.rig import CORES, Rig, database_conditions

MOVES = 20
_MESSAGES_AN_ORDER = 4  # routing, building, submitted, confirmed
_ENDED_WITHIN_S, _LAST_MESSAGES_S = 60.0, 2.0
_LONGEST_LINE = 2**26


async def run(rig: Rig) -> LaneResult:
    sizes = rig.sizes
    met = min(sizes.fan_out_rate, sizes.sockets // MOVES)
    result = LaneResult("fan_out", f"{sizes.sockets:,} sockets, an order each, {met} orders a second among them")
    async with rig.own_engine() as engine:
        result.conditions = database_conditions(engine)
        limits = [*limits_met(MOVES, met), *far_limits(sizes.sockets - MOVES * met)]
        rig.say(f"fan_out: {len(limits)} orders to submit")
        orders = await post_all(engine.port, [limit_order(limit) for limit in limits], sizes.connections)
        await asyncio.sleep(3.0)
        before = memory(engine.roots())
        async with _client(engine, orders) as (client, opened):
            after = memory(engine.roots())
            first, mark = sample([*engine.roots(), client.pid]), engine.mark()
            moved = await _move(engine)
            async with asyncio.timeout(_ENDED_WITHIN_S):
                while mark.ended().count < MOVES * met:
                    await asyncio.sleep(0.2)
            mark.close()
            used = between(first, sample([*engine.roots(), client.pid]), client="mover")
            await asyncio.sleep(_LAST_MESSAGES_S)
            said, _ = await client.communicate(b"")  # its input ends
    _add(result, json.loads(said), sizes.sockets / opened, MOVES * met)
    grown = {name: mb - before.get(name, 0.0) for name, mb in after.items()}
    name, most = max(grown.items(), key=lambda item: item[1])
    result.add("memory", "KB PSS a socket", [1_024 * sum(grown.values()) / sizes.sockets])
    result.add("orders executed", "orders/s", [MOVES * met / moved])
    result.full.append(fullest(used, CORES))
    result.notes.append(f"the memory is {name}'s above all: {most:.0f} MB")
    return result


def _add(result: LaneResult, said: dict[str, Any], opened: float, met: int) -> None:
    delays = said["delays"]
    for rank in RANKS:
        charted = "Commit to client, 10,000 sockets" if rank in (50, 99) else ""
        result.add(f"commit to client, {rank_name(rank)}", "ms", [percentile(delays, rank)], charted)
    result.add("sockets opened", "sockets/s", [opened])
    result.add("client", "ms a message", [1_000 * said["processor_seconds"] / len(delays)])
    result.notes.append(
        f"{len(delays)} messages of {met * _MESSAGES_AN_ORDER} expected, {said['statuses'].get('confirmed', 0)} of "
        f"{met} confirmed; closed by code {said['closed']}, {said['still_open']} still open"
    )


async def _move(engine: Engine) -> float:
    """Raise the price once a second; how many seconds all moves took."""
    key, node = engine.directory / "data" / "localnet" / MARKET_KEY, engine.addresses["SOLANA_RPC_URL"]
    begun = time.monotonic()
    for k in range(1, MOVES + 1):
        await asyncio.sleep(max(0.0, begun + k - 1 - time.monotonic()))
        await move(node, key, "SOL/USDC", Decimal(FIRST_PRICE + STEP * k))
    return max(time.monotonic() - begun, float(MOVES))


@asynccontextmanager
async def _client(engine: Engine, orders: list[str]) -> AsyncIterator[tuple[asyncio.subprocess.Process, float]]:
    """The client with every socket open, and in how many seconds they were."""
    file = engine.directory / "orders.txt"
    file.write_text("\n".join(orders))
    client = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.fan_out_client", str(engine.port), str(file), stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, limit=_LONGEST_LINE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert client.stdout
    try:
        words = (await client.stdout.readline()).split()
        if words[:1] != [b"open"]:
            raise RuntimeError(f"the fan-out client ended with {await client.wait()}")
        yield client, float(words[1])
    finally:
        if client.returncode is None:
            client.kill()
        await client.wait()
