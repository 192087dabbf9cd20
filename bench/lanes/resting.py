"""A book of a hundred thousand waiting orders: what it costs at rest, how fast it fires, how soon it is taken over.

The orders are recorded through the command side, past the API; everything after that is the engine as it runs, each
role a process of its own, so that the watcher and its standby can be told apart and killed.
"""

from __future__ import annotations

from bench import watchers
from bench.percentiles import RANKS, percentile, rank_name
from bench.report import LaneResult
from bench.resting_book import RestingBook
from bench.rig import Rig, database_conditions
from bench.scratch import free_ports


async def run(rig: Rig) -> LaneResult:
    """A write at rest, an order that was not fired: said in the notes as what is wrong."""
    sizes, port = rig.sizes, free_ports(watchers.PORTS)
    result = LaneResult("resting", f"{sizes.resting:,} waiting orders on {sizes.resting_pairs} pairs")
    async with rig.own_engine(PROCESSES="roles", PRICE_POLL_MS="10", METRICS_PORT=str(port)) as engine:
        result.conditions = database_conditions(engine)
        result.conditions["observations"] = "every 10 ms"
        book = RestingBook(engine, port)
        rate, until = await book.fill(sizes.resting, sizes.resting_pairs)
        result.add("recorded, past the API", "orders/s", [rate])
        result.add("in both books after", "s", [until])
        result.add("memory, the larger watcher", "MB RSS", [max(book.memory())])
        rig.say(f"resting: the book is full, {sizes.resting_seconds} s at rest")
        rest = await book.rest(sizes.resting_seconds)
        result.add("observations at rest", "a second", [rest.observations])
        result.add("watchers at rest", "% of a core", [rest.processor_percent])
        result.notes.append(f"written at rest, beside lease renewals: {rest.written or 'nothing'}")
        taken, wanted = await book.meet(sizes.moves, sizes.met), sizes.moves * sizes.met
        result.notes.append(f"{len(taken)} of {wanted} orders fired in {sizes.moves} moves of the price")
        for rank in RANKS if taken else ():
            result.add(f"observation to recorded trigger, {rank_name(rank)}", "ms", [percentile(taken, rank)])
        rig.say("resting: the watchers are killed")
        result.add("next order fired, owner killed", "s", [await book.take_over(1)])
        result.add("next order fired, owner and standby killed", "s", [await book.take_over(2)])
    return result
