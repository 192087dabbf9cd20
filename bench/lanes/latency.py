"""A few orders a second, each with a socket of its own: how long until the answer, the first send, the confirmation.

An open loop: each order counts from the instant it was to be sent at, so that a client or an engine that falls behind
is seen and not left out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from bench.closed_loop import fullest
from bench.engine import EngineMark
from bench.followed import Followed, Follower
from bench.percentiles import RANKS, percentile, rank_name
from bench.processes import Usage, between, sample
from bench.report import LaneResult
from bench.rig import CORES, Rig, database_conditions
from bench.schedule import open_loop
from bench.subject import Subject

ALONE = 100
CHART = "Latency at 100 orders/s"


@dataclass(frozen=True, slots=True)
class Turn:
    """``times``: milliseconds of each order, by what was waited for."""

    orders: Sequence[Followed]
    times: dict[str, list[float]]
    usage: Usage

    def told(self, path: tuple[str, ...]) -> int:
        """How many orders' sockets showed every status of ``path``."""
        return sum(tuple(order.statuses) == path for order in self.orders)


async def run(rig: Rig) -> LaneResult:
    engine, sizes = await rig.engine(), rig.sizes
    peer = await rig.peer()
    result = LaneResult("latency", "few orders a second, a WebSocket each", database_conditions(engine))
    result.conditions["loop"] = f"open, {sizes.seconds} s at each rate, {sizes.runs} runs"
    for rate in sizes.rates:
        turns: dict[str, list[Turn]] = {}
        for number in range(sizes.runs):
            subjects: list[Subject] = [engine, *([peer] if peer else [])]
            for subject in subjects[:: 1 if number % 2 == 0 else -1]:
                turns.setdefault(subject.name, []).append(await _turn(subject, rate, rate * sizes.seconds))
            rig.say(f"latency, {rate}/s, turn {number + 1} of {sizes.runs}")
        for subject in subjects:
            _add(result, subject, rate, turns[subject.name])
    for subject in (engine, *([peer] if peer else [])):
        spent = [await _alone(subject) for _ in range(sizes.runs)]
        result.add(f"{subject.name} alone, processor time", "ms an order", spent)
    return result


async def _alone(subject: Subject) -> float:
    """Processor time in ms of an order that is the only one: each begins once the one before has ended."""
    follower, clock = Follower(subject.port, subject.body), asyncio.get_running_loop().time
    first = sample(subject.roots())
    for _ in range(ALONE):
        await follower.follow(clock())
    usage = between(first, sample(subject.roots()))
    follower.close()
    return 1_000 * (usage.total - usage.seconds["client"]) / ALONE


async def _turn(subject: Subject, rate: int, orders: int) -> Turn:
    mark, follower = subject.mark(), Follower(subject.port, subject.body)
    wall = time.time() - asyncio.get_running_loop().time()
    first = sample(subject.roots())
    followed = await open_loop(rate, orders, follower.follow)
    usage = between(first, sample(subject.roots()))
    follower.close()
    times = {
        "ack": [1_000 * (one.acked - one.intended) for one in followed if not one.refused],
        "confirmed": [1_000 * (one.ended - one.intended) for one in followed if one.confirmed],
    }
    if isinstance(mark, EngineMark):
        await asyncio.sleep(0.5)  # the record of a send follows it
        sends = mark.first_sends()
        times["first send"] = [1_000 * (sent - submitted) for submitted, sent in sends.values()]
        times["request to first send"] = list(_from_request(followed, sends, wall))
    mark.close()
    return Turn(followed, times, usage)


def _from_request(followed: Sequence[Followed], sends: dict[UUID, tuple[float, float]], wall: float) -> Iterator[float]:
    """Milliseconds from the intended instant, by the loop's clock ``wall`` seconds behind Unix time, to the send."""
    for one in followed:
        if one.order_id and (found := sends.get(UUID(one.order_id))):
            yield 1_000 * (found[1] - (one.intended + wall))


def _add(result: LaneResult, subject: Subject, rate: int, turns: Sequence[Turn]) -> None:
    for kind in turns[0].times:
        if not all(turn.times[kind] for turn in turns):
            result.notes.append(f"{subject.name} at {rate}/s, {kind}: a run without any")
            continue
        for rank in RANKS:
            name = f"{subject.name} at {rate}/s, {kind}, {rank_name(rank)}"
            charted = rate == 100 and rank in (50, 99) and kind in ("ack", "confirmed")
            result.add(name, "ms", [percentile(turn.times[kind], rank) for turn in turns], CHART if charted else "")
    orders = [len(turn.orders) for turn in turns]
    client = [1_000 * turn.usage.seconds["client"] / count for turn, count in zip(turns, orders, strict=True)]
    result.add(f"{subject.name} at {rate}/s, client", "ms an order", client)
    used = [turn.usage.total - turn.usage.seconds["client"] for turn in turns]
    spent = [1_000 * seconds / count for seconds, count in zip(used, orders, strict=True)]
    result.add(f"{subject.name} at {rate}/s, processor time", "ms an order", spent)
    share = [100 * seconds / turn.usage.wall for seconds, turn in zip(used, turns, strict=True)]
    result.add(f"{subject.name} at {rate}/s, all its processes", "% of a core", share)
    if subject.path:
        whole = [100 * turn.told(subject.path) / len(turn.orders) for turn in turns]
        result.add(f"{subject.name} at {rate}/s, orders with every message", "% of orders", whole)
    result.full.append(f"{subject.name} at {rate}/s: {fullest(turns[-1].usage, CORES)}")
    result.notes += _losses(subject, rate, turns)


def _losses(subject: Subject, rate: int, turns: Sequence[Turn]) -> Iterator[str]:
    orders = [order for turn in turns for order in turn.orders]
    refused = sum(bool(order.refused) for order in orders)
    unconfirmed = sum(not order.confirmed for order in orders) - refused
    partial = sum(order.confirmed and tuple(order.statuses) != subject.path for order in orders) if subject.path else 0
    if refused or unconfirmed or partial:
        yield (
            f"{subject.name} at {rate}/s: {refused} refused, {unconfirmed} not confirmed on their sockets, "
            f"{partial} without every message, of {len(orders)}"
        )
    else:
        yield f"{subject.name} at {rate}/s: {len(orders)} orders, every one confirmed on its socket"
