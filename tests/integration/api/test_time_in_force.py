"""How long an order stands, as clients ask for it and read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from projections.order_view import instant
from tests.integration.api.serving import BODY, Engine

ORDERS = "/api/orders"


def gtd(seconds: float) -> dict[str, str]:
    expires_at = instant(datetime.now(UTC) + timedelta(seconds=seconds))
    return {"timeInForce": "gtd", "expiresAt": expires_at, "clientOrderId": "gtd-1"}


async def test_an_order_says_how_long_it_stands(engine: Engine) -> None:
    asked = gtd(60)
    answer = await engine.http.post(ORDERS, json={**BODY, **asked})
    order = (await engine.http.get(answer.json()["links"]["order"])).json()
    assert (order["timeInForce"], order["expiresAt"]) == ("gtd", asked["expiresAt"])
    until_cancelled = await engine.http.post(ORDERS, json={**BODY, "timeInForce": "gtc"})
    assert "timeInForce" not in (await engine.http.get(until_cancelled.json()["links"]["order"])).json()


async def test_an_end_in_the_past_is_refused_unless_the_order_is_recorded_already(engine: Engine) -> None:
    late = await engine.http.post(ORDERS, json={**BODY, **gtd(-1)})
    assert (late.status_code, late.json()["code"], late.json()["field"]) == (422, "expires_at_passed", "expiresAt")
    assert await engine.events.head() == 0
    asked = {**BODY, **gtd(0.3)}
    first = await engine.http.post(ORDERS, json=asked)
    while datetime.now(UTC) <= datetime.fromisoformat(asked["expiresAt"]):
        again = await engine.http.post(ORDERS, json=asked)
    again = await engine.http.post(ORDERS, json=asked)
    assert (first.status_code, again.status_code, again.content) == (202, 202, first.content)
    other = await engine.http.post(ORDERS, json={**asked, **gtd(60)})
    assert (other.status_code, other.json()["code"]) == (409, "client_order_id_conflict")


async def test_an_immediate_order_begins_as_a_market_order_does(engine: Engine) -> None:
    limit = {**BODY, "type": "limit", "limitPrice": "150", "timeInForce": "fok"}
    answer = await engine.http.post(ORDERS, json=limit)
    order = (await engine.http.get(answer.json()["links"]["order"])).json()
    assert (order["status"], order["timeInForce"]) == ("routing", "fok")
