"""GET /api/venues: how each venue stands, with what is known of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chains.solana_client import SolanaChain
from runtime.remote_venues import open_venues
from runtime.settings import Settings
from tests.integration.api.serving import NO_NODE, Engine, running
from tests.integration.conftest import TestDatabase
from venues.constant_product import PROGRAM_ID
from venues.pools import PoolBook


async def test_each_venue_says_whether_it_is_asked_and_how_often_it_may_be(engine: Engine) -> None:
    answer = await engine.http.get("/api/venues")
    assert answer.status_code == 200
    listed = answer.json()
    assert listed["next"] is None
    assert listed["items"] == [
        {"venue": "Raydium", "standing": "asked"},
        {
            "venue": "Jupiter",
            "service": "jupiter",
            "standing": "left_alone",
            "reason": "jupiter: no answer within 2 s",
            "leftAloneUntil": "2027-01-15T08:00:00.500Z",
            "requests": {"left": 7, "most": 60, "windowSeconds": 60},
        },
        {
            "venue": "Orca via Jupiter",
            "service": "jupiter",
            "standing": "unknown",
            "requests": {"most": 60, "windowSeconds": 60},
        },
    ]


async def test_a_venue_that_an_operator_has_halted_says_so_and_why(database: TestDatabase, tmp_path: Path) -> None:
    async def standing() -> dict[str, Any]:
        return dict((await engine.http.get("/api/venues")).json()["items"][1])

    async def put(state: str) -> None:
        body = {"scope": "venue:Jupiter", "state": state, "because": "its quotes lie"}
        assert (await engine.http.put("/api/admin/trading-state", json=body)).status_code == 200

    settings = Settings(venues=("jupiter",), data_dir=tmp_path, _env_file=None)  # type: ignore[call-arg]
    async with (
        SolanaChain(NO_NODE) as chain,
        open_venues(settings, chain, PoolBook(chain, PROGRAM_ID)) as opened,
        running(database.app, remote=opened.groups) as engine,
    ):
        before = await standing()
        assert before["standing"] == "left_alone"
        for state in ("halted", "reducing"):
            await put(state)
            found = await standing()
            # Until when it would have been left alone says nothing of when it is traded at again.
            assert found.keys() == before.keys() - {"leftAloneUntil"}
            assert (found["venue"], found["standing"], found["requests"]) == ("Jupiter", state, before["requests"])
            assert found["reason"].startswith(f"{state} by ") and found["reason"].endswith(": its quotes lie")
        await put("active")
        assert await standing() == before
