"""A chain that confirms at once, so that the engine alone sets the pace; its transactions are built and signed as ever.

The chain is `bench.instant_node`, a process beside the engine; what it takes of the machine is among the figures.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from bench.beside import HEALTH, started
from bench.closed_loop import closed_loop
from bench.engine import SUREFILL, Engine, engine, environment
from bench.lanes.batch import BATCH, batch_of, serves_batches
from bench.lanes.turns import take_turns
from bench.product import load_wallet
from bench.report import LaneResult
from bench.rig import Rig, database_conditions
from bench.scratch import data_directory, free_ports
from bench.subject import EXECUTE


async def run(rig: Rig) -> LaneResult:
    sizes = rig.sizes
    result = LaneResult("instant", "a chain that confirms at once; signatures real")
    await rig.clear()
    with data_directory() as directory:
        async with _node(directory) as (url, node), engine(directory, SOLANA_RPC_URL=url) as subject:
            subject.beside = (node,)
            result.conditions = database_conditions(subject)
            result.conditions["orders"] = f"{sizes.orders} over {sizes.connections} connections, {sizes.runs} runs"
            result.conditions["chain"] = "a process that executes the first transaction and repeats its answer"
            await closed_loop(subject, sizes.engine_warm, sizes.connections, EXECUTE, subject.body)
            await take_turns(rig, result, subject, EXECUTE, subject.body)
            if await serves_batches(subject):
                batches = LaneResult("instant", "")
                await take_turns(rig, batches, subject, BATCH, batch_of(subject.body, sizes.batch), sizes.batch)
                _merge(result, batches, f"{sizes.batch} a request")
                async with _second_core(subject) as two:
                    both = LaneResult("instant", "")
                    await take_turns(rig, both, two, BATCH, batch_of(subject.body, sizes.batch), sizes.batch)
                    _merge(result, both, f"{sizes.batch} a request, two core processes")
            else:
                result.notes.append("many orders a request: not available in this build")
    return result


def _merge(result: LaneResult, other: LaneResult, what: str) -> None:
    for figure in other.figures:
        result.add(f"{figure.name}, {what}", figure.unit, figure.runs, figure.chart)
    result.full += [f"{what}, {line}" for line in other.full]
    result.notes += [f"{what}, {line}" for line in other.notes]


@asynccontextmanager
async def _node(directory: Path) -> AsyncIterator[tuple[str, int]]:
    """The chain's address and process id, once it answers."""
    port, data_dir = free_ports(1), directory / "data"
    data_dir.mkdir()
    wallet = load_wallet(data_dir / "wallet.json", create=True)
    command = (sys.executable, "-m", "bench.instant_node", str(port), str(directory / "chain"), wallet.address)
    url = f"http://127.0.0.1:{port}"
    async with started(command, directory / "instant_node.log", url, body=HEALTH) as pid:
        yield url, pid


@asynccontextmanager
async def _second_core(subject: Engine) -> AsyncIterator[Engine]:
    """The engine with another core process beside its own: it takes orders, executes, and stands by for the rest."""
    port = free_ports(1)
    told = {**environment(subject.directory), **subject.addresses, "PORT": str(port)}
    command = (str(SUREFILL), "run", "core")
    url = f"http://127.0.0.1:{port}/health/ready"
    async with started(command, subject.directory / "second_core.log", url, environment=told) as pid:
        yield replace(subject, beside=(*subject.beside, pid), more_ports=(port,))
