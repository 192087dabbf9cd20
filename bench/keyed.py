"""What keys and limits cost the hot path: one engine that asks for neither, one that asks for both, in turns.

`python -m bench.keyed`. Both are of this revision and idle beside each other. The second engine's client has a key, and
its account every limit that is counted exactly or by rate, far above what it sends.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
from collections import defaultdict
from contextlib import AsyncExitStack
from statistics import median

import httpx2
import typer
from rich.console import Console

from bench.closed_loop import Run, closed_loop
from bench.engine import Engine, client, engine, surefill
from bench.scratch import data_directory
from bench.subject import EXECUTE

console = Console(soft_wrap=True)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
CONNECTIONS = 32
_FAR = {"maxOpenOrders": 1_000_000, "maxDailyNotional": "1e9", "maxOpenNotional": "1e9", "ordersPerMinute": 1_000_000}
_PLAIN, _KEYED = "neither keys nor limits", "keys and limits"


@app.command()
def main(
    turns: int = typer.Option(10, help="How often each is measured."),
    orders: int = typer.Option(300, help="Orders of each turn."),
) -> None:
    """Measure both in turns; the medians are the answer."""
    asyncio.run(_compare(turns, orders))


async def _compare(turns: int, orders: int) -> None:
    console.print(f"{platform.platform()}, {os.cpu_count()} cores shared by client, both engines and their chains")
    runs = defaultdict[str, list[Run]](list)
    async with AsyncExitStack() as stack:
        engines = {}
        for name in (_PLAIN, _KEYED):
            directory = stack.enter_context(data_directory())
            engines[name] = await stack.enter_async_context(engine(directory))
        await _limit(engines[_KEYED])
        key = _key(engines[_KEYED])
        for turn in range(turns + 1):
            for name in list(engines)[:: 1 if turn % 2 else -1]:
                headers = {"authorization": f"Bearer {key}"} if name == _KEYED else {}
                run = await closed_loop(
                    engines[name], orders, CONNECTIONS, EXECUTE, engines[name].body, headers=headers
                )
                if turn:  # the first warms both
                    runs[name].append(run)
                console.print(f"load {os.getloadavg()[0]:.1f}  turn {turn}, {name}: {run.rate:.0f} orders/s")
    for name, measured in runs.items():
        rate, cost = median(run.rate for run in measured), median(run.milliseconds_an_order() for run in measured)
        console.print(f"median, {name}: {rate:.0f} orders/s, {cost:.2f} ms of processor time an order")
        each = {part: median(run.milliseconds_an_order(part) for run in measured) for part in measured[0].usage.seconds}
        shown = (f"{part} {spent:.2f}" for part, spent in sorted(each.items(), key=lambda one: -one[1]))
        console.print(f"  by process: {', '.join(shown)}")


def _key(measured: Engine) -> str:
    scopes = ("--scope", "trade", "--scope", "read")
    made = json.loads(surefill(measured.directory, "keys", "create", "--account", "default", *scopes, "--json"))
    return str(made["key"])


async def _limit(measured: Engine) -> None:
    async with client(measured.url) as http:
        answer = await http.put("/api/admin/accounts/default/limits", json=_FAR)
    if answer.status_code != httpx2.codes.OK:
        raise RuntimeError(answer.text)


if __name__ == "__main__":
    app()
