"""Many orders at once: how many a second are accepted and confirmed, and where the time goes between their events."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import httpx2
from rich.console import Console
from rich.table import Table

BODY = {"tokenIn": "SOL", "tokenOut": "USDC", "amountIn": "0.1", "type": "market", "slippageBps": 100}
ALL_WITHIN_S = 300
ENDED = ("confirmed", "failed")


@dataclass(frozen=True, slots=True)
class Run:
    """The orders' statuses by id, and the seconds until all were accepted, and all had ended."""

    statuses: dict[str, str]
    accepted: float
    whole: float

    @property
    def confirmed(self) -> int:
        return sum(status == "confirmed" for status in self.statuses.values())


async def throughput(client: httpx2.AsyncClient, console: Console, orders: int, connections: int) -> bool:
    """Whether every order was confirmed."""
    run = await execute(client, orders, connections)
    console.print(
        f"{orders} orders over {connections} connections: {dict(Counter(run.statuses.values()))}; "
        f"accepted {orders / run.accepted:.0f}/s, confirmed {run.confirmed / run.whole:.0f}/s end to end "
        f"({run.whole:.2f} s)"
    )
    console.print(await _stages(client, list(run.statuses)[:: max(1, orders // 200)]))
    return run.confirmed == orders


async def execute(client: httpx2.AsyncClient, orders: int, connections: int) -> Run:
    """Post ``orders`` market orders and wait for the end of all."""
    begun = time.perf_counter()
    posts = iter(range(orders))
    ids: list[str] = []

    async def post() -> None:
        for _ in posts:
            answer = await client.post("/api/orders/execute", json=BODY)
            answer.raise_for_status()
            ids.append(answer.json()["orderId"])

    await asyncio.gather(*(post() for _ in range(connections)))
    accepted = time.perf_counter() - begun
    states = await _ended(client, orders)
    whole = time.perf_counter() - begun
    return Run({order_id: states[order_id] for order_id in ids}, accepted, whole)


async def _ended(client: httpx2.AsyncClient, orders: int) -> dict[str, str]:
    """The newest ``orders`` orders once all of them have ended."""
    async with asyncio.timeout(ALL_WITHIN_S):
        while True:
            states: dict[str, str] = {}
            cursor = ""
            while len(states) < orders:
                page = (await client.get(f"/api/orders?limit=200{cursor}")).json()
                states |= {item["orderId"]: item["status"] for item in page["items"]}
                if not page["next"] or any(item["status"] not in ENDED for item in page["items"]):
                    break
                cursor = f"&cursor={page['next']}"
            if len(states) >= orders and all(state in ENDED for state in states.values()):
                return states
            await asyncio.sleep(0.1)


async def _stages(client: httpx2.AsyncClient, ids: list[str]) -> Table:
    """Time between an order's consecutive events, by the log's own clock, over a sample of the orders."""
    spent: dict[str, list[float]] = {}
    for order_id in ids:
        events = (await client.get(f"/api/orders/{order_id}/events")).json()["items"]
        at = [(event["type"], datetime.fromisoformat(event["recordedAt"])) for event in events]
        for (_, before), (name, after) in pairwise(at):
            spent.setdefault(name, []).append((after - before).total_seconds() * 1_000)
        spent.setdefault("whole", []).append((at[-1][1] - at[0][1]).total_seconds() * 1_000)
    table = Table("until", "p50 ms", "p99 ms", title=f"Where the time goes ({len(ids)} orders sampled)")
    for name, times in spent.items():
        table.add_row(name, f"{percentile(times, 50):.0f}", f"{percentile(times, 99):.0f}")
    return table


def percentile(values: list[float], rank: int) -> float:
    """The nearest-rank percentile of ``values``."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * rank // 100) - 1)]
