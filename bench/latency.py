"""Few orders a second: how long from the request until a WebSocket client reads `confirmed`."""

from __future__ import annotations

import asyncio
import json
import time

import httpx2
from rich.console import Console
from websockets.asyncio.client import connect

from bench.throughput import BODY, percentile


async def latency(client: httpx2.AsyncClient, console: Console, rate: int, seconds: int) -> bool:
    """Whether every order was confirmed."""
    times = await confirmations(client, rate, seconds)
    confirmed = [taken for taken in times if taken is not None]
    console.print(
        f"{rate} orders/s for {seconds} s, seen over WebSocket: {len(confirmed)} of {len(times)} confirmed; "
        f"request to confirmed p50 {percentile(confirmed, 50):.0f} ms, p99 {percentile(confirmed, 99):.0f} ms"
    )
    return len(confirmed) == len(times)


async def confirmations(client: httpx2.AsyncClient, rate: int, seconds: int) -> list[float | None]:
    """Milliseconds from each request until a WebSocket client reads `confirmed`, None where the order failed."""
    socket_url = str(client.base_url).rstrip("/").replace("http", "ws", 1)
    tasks = []
    begun = time.perf_counter()
    for n in range(rate * seconds):
        await asyncio.sleep(max(0.0, begun + n / rate - time.perf_counter()))
        tasks.append(asyncio.create_task(_one(client, socket_url)))
    return await asyncio.gather(*tasks)


async def _one(client: httpx2.AsyncClient, socket_url: str) -> float | None:
    """Milliseconds until confirmed, None where the order failed."""
    begun = time.perf_counter()
    links = (await client.post("/api/orders/execute", json=BODY)).json()["links"]
    async with connect(f"{socket_url}{links['stream']}") as socket:
        async for message in socket:
            if (status := json.loads(message)["status"]) in ("confirmed", "failed"):
                return (time.perf_counter() - begun) * 1_000 if status == "confirmed" else None
    return None
