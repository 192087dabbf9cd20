"""GET /api/venues: how each venue stands, with what is known of it."""

from __future__ import annotations

from tests.integration.api.serving import Engine


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
