"""One storm: start, load and strikes at once, heal, let it settle, judge, show."""

from __future__ import annotations

import asyncio
import json
import os
import platform
from collections.abc import Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from rich.console import Console

from chains.solana_client import SolanaChain
from domain.tokens import SOL, USDC, pair_of
from tests.chaos.plants.faulty import PLANTS
from tests.chaos.storm import amends, attempts, confinement, lists, outside, plan, verdict
from tests.chaos.storm.cancels import Canceller
from tests.chaos.storm.clients import Clients, Placed
from tests.chaos.storm.errors import own_errors
from tests.chaos.storm.figures import show, show_progress
from tests.chaos.storm.guards import guards_of
from tests.chaos.storm.monkey import Monkey, Struck
from tests.chaos.storm.options import Option
from tests.chaos.storm.outside import Reader
from tests.chaos.storm.parties import EVERYBODY, three
from tests.chaos.storm.secrets import leaks
from tests.chaos.storm.verdict import Chain, Histories
from tests.chaos.storm.world import GUARDS_KEPT_FOR, World
from tests.chaos.verdict import landed
from venues.constant_product import PROGRAM_ID
from venues.pools import PoolBook
from venues.prices import PairPrice, PoolPrices

# An engine that doesn't come back ends the load: what was never accepted is lost.
ACCEPTED_WITHIN_S = 300
PENDING_LOOKS, PENDING_S = 6, 10
CANCELLED_WITHIN_S = 60
FINISHED_WITHIN_S = 180
STREAMS_WITHIN_S = 20
STANDS_S = verdict.NOTICED_WITHIN.total_seconds() + 5


@dataclass(frozen=True)
class Seen:
    """Log, chain and prices as of one moment: nothing was recorded while they were read."""

    histories: Histories
    chain: Chain
    prices: dict[str, PairPrice]


@dataclass(frozen=True)
class Asked:
    """What a storm is to be. ``processes`` is how the engine is divided, "core" or "roles"."""

    seed: int
    orders: int
    minutes: float
    processes: str
    options: tuple[Option, ...] = ()
    plant: str | None = None

    def __str__(self) -> str:
        more = f", with {', '.join(self.options)}" if self.options else ""
        more += f", plant {self.plant}" if self.plant else ""
        return f"seed {self.seed}, {self.orders} orders, {self.minutes:g} min, PROCESSES={self.processes}{more}"

    def with_plants_options(self) -> Asked:
        """A plant that needs an option to come out has it."""
        needed = PLANTS[self.plant].options if self.plant else ()
        return replace(self, options=tuple(dict.fromkeys((*self.options, *needed))))


async def storm(console: Console, directory: Path, asked: Asked) -> bool:
    """Whether every promise was kept."""
    asked = asked.with_plants_options()
    seed, minutes = asked.seed, asked.minutes
    console.print(
        f"{asked}; {platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores shared by "
        "everything"
    )
    world = World(directory, asked.processes, asked.plant, asked.options, seed)
    try:
        await world.start(seed)
        url = world.addresses["DATABASE_URL"]
        canceller, amender = Canceller(world.addresses), amends.Amender(world.engine.url)
        parties = await three(world) if "accounts" in asked.options else [EVERYBODY]
        monkey, reader = Monkey(world), Reader(url)
        clients = Clients(world.engine.url, canceller.ask, amender.ask, parties)
        lister = lists.Lister(world.engine.url, parties)
        reading = [asyncio.create_task(reader.run()), asyncio.create_task(canceller.run())]
        checkpoint = asyncio.create_task(_checkpoint(world, minutes * 30))
        first = PLANTS[asked.plant].first if asked.plant else ()
        strikes = plan.strikes(seed, minutes, asked.processes, first=first)
        options = {"cancels": "cancels" in asked.options, "amends": "amends" in asked.options}
        orders = plan.orders(seed, asked.orders, minutes, **options)
        orders = plan.shared(orders, len(parties))
        asked_lists = lists.lists(seed, asked.orders, minutes) if "lists" in asked.options else []
        begun = datetime.now(UTC)
        await _rage(console, world, monkey, clients, strikes, orders, lister.run(asked_lists))
        console.print("the faults are over; waiting for what is on its way")
        healed = datetime.now(UTC)
        await world.ready()
        await canceller.finish(within=CANCELLED_WITHIN_S)
        await amender.finish(within=CANCELLED_WITHIN_S)
        await lister.finish(within=FINISHED_WITHIN_S)
        seen = await _settled(world, clients, healed, [one.wallet for one in parties if one.wallet])
        await clients.leave()
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        histories, chain, placed = seen.histories, seen.chain, clients.placed
        owners = {order_id: one.party for order_id, one in placed.items()} | lister.owners
        reclaims = await asyncio.to_thread(outside.reclaims, url)
        struck = [*monkey.done, *_stood(world, begun, healed)]
        checks: dict[str, list[str]] = {}
        for party in parties:
            whose = f" of {party.name}" if len(parties) > 1 else ""
            own = {order_id: one for order_id, one in placed.items() if one.party == party}
            owned = {order_id for order_id, owner in owners.items() if owner == party}
            judged = await _judged(world, own, owned, seen, healed, struck)
            checks |= {f"{name}{whose}": found for name, found in judged.items()}
        checks |= {
            "nobody's": verdict.nobodys(owners, histories, chain),
            "another account's (I9)": confinement.mixed(owners, histories, chain)
            + await confinement.listed(world.engine.url, parties, owners, histories),
            "cancels never recorded": canceller.wrong,
            "lists": lists.broken_lists(list(lister.placed.values()), histories, chain),
            "amendments": amends.wrongly_amended(amender.asked, histories),
            "guards closed early (I2)": verdict.closed_early(histories, reclaims, GUARDS_KEPT_FOR),
            "contradictions recorded": outside.topics(url, "account.ContradictionFound"),
            "sent before durable (I3)": verdict.sent_before_durable(histories, reclaims, world.node.first_sends()),
            "verify: log, read models, chain (I4)": await _verified(world, await checkpoint),
            "rebuilt other than live (I4)": await _operated(world, "rebuild", "orders"),
            "errors of its own (I6)": world.surprises + own_errors(directory / "up.log"),
            "dead letters": (await asyncio.to_thread(world.engine.run, "dead-letters", "--json")).stdout.splitlines(),
            "changed in the log (I7)": await asyncio.to_thread(verdict.changeable, world.connect),
            "missed by a reader (I8)": await asyncio.to_thread(reader.missed),
            "secrets told (I10)": await leaks(world, histories, reclaims, placed.values()),
        }
        return show(console, checks, histories, monkey, clients, asked)
    finally:
        await world.stop()


async def _judged(
    world: World,
    placed: Mapping[UUID, Placed],
    owned: Collection[UUID],
    seen: Seen,
    healed: datetime,
    struck: Sequence[Struck],
) -> dict[str, list[str]]:
    """What is judged of each account apart: of the orders that it ``placed`` and those ``owned`` through lists."""
    histories = {order_id: one for order_id, one in seen.histories.items() if order_id in owned}
    chain = {order_id: one for order_id, one in seen.chain.items() if order_id in owned}
    return {
        "lost": verdict.lost(placed, histories),
        "stuck (I1)": verdict.stuck(histories, healed),
        "met and still resting (I1)": verdict.neglected(histories, seen.prices),
        "duplicate swaps (I2)": verdict.duplicates(chain, await guards_of(world.node, chain)),
        "wrong outcomes (I2)": await verdict.wrong_outcomes(histories, chain, world.node, struck),
        "attempts against the rules (I2)": attempts.against_the_rules(histories),
        "cancels": attempts.wrongly_cancelled(histories, chain),
        "streams (I5)": verdict.streams(placed, histories),
    }


async def _rage(
    console: Console,
    world: World,
    monkey: Monkey,
    clients: Clients,
    strikes: list[plan.Strike],
    asked: list[plan.Asked],
    listing: Coroutine[Any, Any, None],
) -> None:
    """Load and strikes, until both are over; then nothing is ill and no price moves."""
    await world.stand()
    minutes = max(one.at for one in asked) / 60
    showing = asyncio.create_task(show_progress(console, minutes, monkey, clients))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(monkey.run(strikes))
        with suppress(TimeoutError):
            async with asyncio.timeout(minutes * 60 + ACCEPTED_WITHIN_S):
                await asyncio.gather(clients.run(asked), listing)
    await monkey.heal()
    if world.adapters:
        world.adapters.heal()
        console.print(f"the venues' own faults: {dict(sorted(world.adapters.struck.items()))}")
    world.still_market()
    showing.cancel()


def _stood(world: World, begun: datetime, ended: datetime) -> list[Struck]:
    """The faults that lasted as long as the storm, as what may explain an order's failure."""
    found = [plan.Strike(0, "node", one.name) for one in world.standing]
    if world.adapters:
        found.append(plan.Strike(0, "venue", "unruly"))
    return [Struck(one, begun, ended) for one in found]


async def _settled(world: World, clients: Clients, healed: datetime, wallets: Sequence[str]) -> Seen:
    """What everything is once nothing is on its way, read while nothing moves."""
    url = world.addresses["DATABASE_URL"]
    await asyncio.sleep(STANDS_S)
    while True:
        await verdict.settled(lambda: outside.histories(url), healed)
        await _streams_end(clients, url)
        head = await asyncio.to_thread(outside.head, url)
        histories = await asyncio.to_thread(outside.histories, url)
        seen = Seen(histories, await landed(world.node, *wallets), await _prices(world.node.truth_url))
        # An order that rested may wake at any time: then it is looked at again.
        if await asyncio.to_thread(outside.head, url) == head:
            return seen


async def _prices(rpc_url: str) -> dict[str, PairPrice]:
    async with SolanaChain(rpc_url) as chain:
        return (await PoolPrices(PoolBook(chain, PROGRAM_ID)).observe([pair_of(SOL, USDC)])).pairs


async def _streams_end(clients: Clients, url: str) -> None:
    """Give subscribers the time to read what was last recorded."""
    deadline = asyncio.get_running_loop().time() + STREAMS_WITHIN_S
    while asyncio.get_running_loop().time() < deadline:
        if not verdict.streams(clients.placed, await asyncio.to_thread(outside.histories, url)):
            return
        await asyncio.sleep(1)


async def _checkpoint(world: World, after: float) -> Path:
    """Taken in mid-storm, as soon as it can be: what is before it must not change any more."""
    await asyncio.sleep(after)
    file = world.engine.directory / "checkpoint.json"
    while not file.exists():
        await asyncio.to_thread(world.engine.run, "checkpoint", str(file))
        await asyncio.sleep(1)
    return file


async def _verified(world: World, checkpoint: Path) -> list[str]:
    """What `verify` found; what it calls pending, such as a reclaim on its way, it asks to be asked about again."""
    for _ in range(PENDING_LOOKS):
        said = await _operated(world, "verify", "--json", "--checkpoint", str(checkpoint))
        findings = [json.loads(line)["finding"] for line in said if line.startswith('{"finding"')]
        if not findings or any(one["verdict"] != "pending" for one in findings):
            break
        await asyncio.sleep(PENDING_S)
    return said


async def _operated(world: World, *command: str) -> list[str]:
    """What an operator's command said, where it didn't end well."""
    answer = await asyncio.to_thread(world.engine.run, *command, within=600)
    return [] if answer.returncode == 0 else answer.stdout.splitlines()[-12:] + answer.stderr.splitlines()[-3:]
