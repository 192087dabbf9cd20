"""A throughput lane: the engine and the peer in turns, so that what the machine does meanwhile falls on both alike."""

from __future__ import annotations

from collections.abc import Sequence

from bench.closed_loop import Run, closed_loop, cost_by_process, fullest
from bench.report import LaneResult
from bench.rig import CORES, Rig
from bench.subject import EXECUTE, Subject

RATE, COST = "Orders confirmed, end to end", "Processor time of an order"


async def take_turns(rig: Rig, result: LaneResult, subject: Subject, path: str, body: bytes, batch: int = 1) -> None:
    """Run both ``runs`` times, and add rates, cost by process, the ratio and what was full to ``result``."""
    peer = await rig.peer()
    ours: list[Run] = []
    theirs: list[Run] = []
    sizes = rig.sizes

    async def engine_turn() -> None:
        ours.append(await closed_loop(subject, sizes.orders, sizes.connections, path, body, batch))

    async def peer_turn() -> None:
        if peer:
            theirs.append(await closed_loop(peer, sizes.orders, sizes.connections, EXECUTE, peer.body))

    for turn in range(sizes.runs):
        # Whoever is first meets the machine as the other left it.
        for take in (engine_turn, peer_turn) if turn % 2 == 0 else (peer_turn, engine_turn):
            await take()
        rig.say(f"{result.lane}, turn {turn + 1}: {ours[-1].rate:.0f}/s" + _beside(theirs))
    _add(result, ours, "surefill")
    if peer:
        _add(result, theirs, "peer")
        ratios = [mine.rate / its.rate for mine, its in zip(ours, theirs, strict=True)]
        result.add("surefill to peer", "times", ratios)
    else:
        result.notes.append(f"no peer: {rig.no_peer}")


def _add(result: LaneResult, runs: Sequence[Run], name: str) -> None:
    result.add(f"{name}, end to end", "orders/s", [run.rate for run in runs], RATE)
    result.add(f"{name}, accepted", "orders/s", [run.orders / run.accepted for run in runs])
    result.add(f"{name}, processor time", "ms an order", [run.milliseconds_an_order() for run in runs], COST)
    result.add(f"{name}, client", "ms an order", [run.milliseconds_an_order("client") for run in runs])
    unconfirmed = sum(run.orders - run.confirmed for run in runs)
    result.notes.append(
        f"{name}, ms an order by process: "
        + ", ".join(f"{process} {spent:.2f}" for process, spent in cost_by_process(runs) if spent >= 0.005)
    )
    if unconfirmed:
        result.notes.append(f"{name}: {unconfirmed} orders were not confirmed")
    middle = sorted(runs, key=lambda run: run.rate)[len(runs) // 2]
    result.full.append(f"{name}: {fullest(middle.usage, CORES)}")


def _beside(theirs: Sequence[Run]) -> str:
    return f", peer {theirs[-1].rate:.0f}/s" if theirs else ""
