"""The worker dies around each effect of a reclaim, and the rent comes back once."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import httpx2
import psycopg
import pytest

from domain.reclaim_events import ReclaimBuilt, ReclaimExpired, ReclaimFailed, ReclaimLanded
from event_store.dsn import parse
from tests.chaos.processes import ProcessHarness
from tests.chaos.test_crash_points import orders
from tests.e2e.engine import ended

POINTS = [
    *(f"append:{event}:{edge}" for event in ("ReclaimBuilt", "ReclaimLanded") for edge in ("before", "after")),
    "inside:reclaim:after",
]
TOPICS = "select topic, count(*) from events where topic like 'account.Reclaim%' group by topic"


@pytest.mark.parametrize("point", POINTS)
async def test_a_rent_comes_back_once_though_the_worker_dies_at(
    processes: ProcessHarness, point: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("GUARD_KEEP", "1s")
    try:
        async with httpx2.AsyncClient(base_url=processes.url, timeout=30, trust_env=False) as client:
            doomed = processes.play("worker", crash_at=point)
            order_id = await processes.submit(client, orders()[0])
            # A point that is never reached proves nothing.
            assert await asyncio.to_thread(doomed.wait, 60) == -signal.SIGKILL, processes.log("worker")
            processes.play("worker")
            await ended(client, [order_id], within=60)
            await returned(client, order_id, processes)
            ready = (await client.get("/health/ready")).json()
        assert {"name": "trading", "ok": True} in [{"name": one["name"], "ok": one["ok"]} for one in ready["checks"]]
    finally:
        monkeypatch.undo()
        processes.play("worker")
    recorded = topics(processes)
    # One may expire while nobody runs who would send it. None has failed, as it would where two closed one guard.
    assert ReclaimFailed.TOPIC not in recorded
    assert recorded[ReclaimBuilt.TOPIC] == recorded[ReclaimLanded.TOPIC] + recorded.get(ReclaimExpired.TOPIC, 0)


async def returned(client: httpx2.AsyncClient, order_id: str, processes: ProcessHarness) -> None:
    deadline = asyncio.get_running_loop().time() + 60
    while not (await _fee(client, order_id)).get("guardRentReturned"):
        assert asyncio.get_running_loop().time() < deadline, processes.log("worker")
        await asyncio.sleep(0.2)


async def _fee(client: httpx2.AsyncClient, order_id: str) -> dict[str, Any]:
    order: dict[str, Any] = (await client.get(f"/api/orders/{order_id}")).json()
    return dict(order["fee"])


def topics(processes: ProcessHarness) -> dict[str, int]:
    """How many events of reclaims the log has, by topic."""
    with psycopg.connect(parse(processes.database_url).conninfo, autocommit=True) as connection:
        return dict(connection.execute(TOPICS).fetchall())
