"""Three lots of orders, one after the other, each with a fault of the node's; times are those of the log."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.percentiles import percentile
from domain import events as e
from tests.chaos.storm import attempts, outside, verdict
from tests.chaos.storm.cancels import Canceller
from tests.chaos.storm.clients import Clients
from tests.chaos.storm.guards import guards_of
from tests.chaos.storm.outside import Recorded
from tests.chaos.storm.plan import Asked
from tests.chaos.storm.verdict import order_of
from tests.chaos.storm.world import World
from tests.chaos.verdict import landed

REPLACE_AFTER_S = 3.0
BOUND_S = 3 * REPLACE_AFTER_S
ENDED_WITHIN_S = 180
# Most transactions land up to a second late: cancels come before and after them, and while they are on their way.
DELAY = {"probability": 0.8, "blocks": 12}
LATEST_CANCEL_S = 1.5
# Statuses older than the time a transaction is waited for.
LAG_SLOTS = 60

Histories = Mapping[UUID, Sequence[Recorded]]


async def measure(directory: Path, *, lagging: int, dropped: int, cancels: int, rate: float, seed: int) -> list[str]:
    """What broke a bound; the figures are printed."""
    world = World(directory, "core", None, (), seed)
    try:
        await world.start(seed)
        world.still_market()
        async with _load(world, random.Random(seed), rate) as load:
            await load("warm", 10)
            slow = await load("lagging", lagging, fault=("behind", {"slots": LAG_SLOTS}))
            lost = await load("dropped", dropped, fault=("drop", {"attempt": 1}))
            raced = await load("cancelled", cancels, fault=("delay", DELAY), cancelled=True)
        return _of_lagging(slow) + _of_dropped(lost) + _of_cancels(raced) + await _against_the_chain(world)
    finally:
        await world.stop()


@asynccontextmanager
async def _load(world: World, dice: random.Random, rate: float) -> AsyncIterator[Callable[..., Any]]:
    """Posts so many orders, a fault of the node's meanwhile, and gives their histories once all have ended."""
    url, canceller = world.addresses["DATABASE_URL"], Canceller(world.addresses)
    clients = Clients(world.engine.url, canceller.ask)
    asking = asyncio.create_task(canceller.run())

    async def load(
        name: str, count: int, *, fault: tuple[str, dict[str, Any]] | None = None, cancelled: bool = False
    ) -> Histories:
        if fault:
            await world.node.fault(fault[0], **fault[1])
        known = set(clients.placed)
        await clients.run([_order(dice, f"{name}-{n}", n / rate, cancelled) for n in range(count)])
        await canceller.finish(within=60)
        mine = set(clients.placed) - known
        async with asyncio.timeout(ENDED_WITHIN_S):
            while True:
                found = {i: one for i, one in (await asyncio.to_thread(outside.histories, url)).items() if i in mine}
                if len(found) == count and all(_is_over(one) for one in found.values()):
                    break
                await asyncio.sleep(1)
        await world.node.clear()
        return found

    try:
        yield load
        if canceller.wrong:
            raise AssertionError(canceller.wrong)
    finally:
        await clients.leave()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


def _order(dice: random.Random, name: str, at: float, cancelled: bool) -> Asked:
    terms = {"type": "market", "tokenIn": "SOL", "tokenOut": "USDC", "amountIn": "0.05", "slippageBps": 300}
    after = dice.uniform(0, LATEST_CANCEL_S) if cancelled else None
    return Asked(at, {**terms, "clientOrderId": name}, 1, False, after)


def _is_over(history: Sequence[Recorded]) -> bool:
    order = order_of(history)
    return order.ended and not order.live_attempts


def _of_lagging(histories: Histories) -> list[str]:
    print(f"{len(histories)} orders whose statuses lag by {LAG_SLOTS} slots: {_outcomes(histories)}")
    return [
        f"{order_id}: slow statuses alone made {len(order_of(history).attempts)} attempts"
        for order_id, history in histories.items()
        if len(order_of(history).attempts) != 1
    ]


def _of_dropped(histories: Histories) -> list[str]:
    taken = {i: _seconds(one, e.TransactionSubmitted, e.OrderConfirmed) for i, one in histories.items()}
    _show("the first transaction is dropped: from its send to the confirmation by another", histories, taken.values())
    wrong = [f"{i}: not confirmed" for i, seconds in taken.items() if seconds is None]
    wrong += [
        f"{i}: confirmed after {one:.1f} s, {BOUND_S:g} are allowed"
        for i, one in taken.items()
        if one and one > BOUND_S
    ]
    return wrong + [f"{i}: wasn't replaced" for i, one in histories.items() if len(order_of(one).attempts) < 2]


def _of_cancels(histories: Histories) -> list[str]:
    asked = {i: one for i, one in histories.items() if any(isinstance(each.event, e.CancelRequested) for each in one)}
    ends = (e.OrderCancelled, e.OrderConfirmed)
    taken = {i: _seconds(one, e.CancelRequested, ends) for i, one in asked.items()}
    _show("a cancel races the swap: from the request to the end", histories, taken.values())
    statuses = {i: order_of(one).status for i, one in histories.items()}
    return [f"{i}: {status}" for i, status in statuses.items() if status not in ("cancelled", "confirmed")]


async def _against_the_chain(world: World) -> list[str]:
    """What the log says of all of them, held against the chain."""
    histories = await asyncio.to_thread(outside.histories, world.addresses["DATABASE_URL"])
    chain = await landed(world.node)
    return [
        *verdict.duplicates(chain, await guards_of(world.node, chain)),
        *await verdict.wrong_outcomes(histories, chain, world.node, ()),
        *attempts.against_the_rules(histories),
        *attempts.wrongly_cancelled(histories, chain),
    ]


def _seconds(history: Sequence[Recorded], first: Any, last: Any) -> float | None:
    """From the first event of one kind to the first of the other."""
    begun, ended = (_when(history, kind) for kind in (first, last))
    return (ended - begun).total_seconds() if begun and ended else None


def _when(history: Sequence[Recorded], kind: Any) -> datetime | None:
    return next((one.recorded_at for one in history if isinstance(one.event, kind)), None)


def _show(what: str, histories: Histories, taken: Any) -> None:
    times = [seconds for seconds in taken if seconds is not None]
    print(f"{what}: {_outcomes(histories)}")
    if times:
        found = (f"{name} {percentile(times, rank):.2f} s" for name, rank in (("p50", 50), ("p99", 99)))
        print(f"  of {len(times)}: {', '.join(found)}, most {max(times):.2f} s")


def _outcomes(histories: Histories) -> str:
    found = Counter(order_of(history).status for history in histories.values())
    made = Counter(len(order_of(history).attempts) for history in histories.values())
    return f"{dict(found)}, orders by attempts {dict(sorted(made.items()))}"
