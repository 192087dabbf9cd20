"""What clients hear of an order that a fork made another after it was confirmed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain import commands as c
from tests.integration.api.serving import Engine
from tests.integration.api.test_read import TO_CONFIRMED
from tests.integration.api.test_streams import stream
from tests.unit.domain.scenario import build, landing

SHOWN: dict[str, Any] = {"commitment": "finalized", "shown_by": ("127.0.0.1",), "slot": 121, "amount_out": 223_000_000}
RESTATED = c.RestateOutcome(1, landing(1).landing.model_copy(update=SHOWN))


async def test_the_order_its_events_its_stream_and_the_list_say_what_holds(engine: Engine) -> None:
    engine.project()
    accepted = await engine.submit()
    order_id, order = accepted["orderId"], accepted["links"]["order"]
    await engine.tell(order_id, *TO_CONFIRMED)
    before, _ = await stream(engine, order_id, "?events=true")

    await engine.tell(order_id, RESTATED)

    messages, code = await stream(engine, order_id, "?events=true")
    assert code == 1000
    assert messages[:-1] == before
    assert messages[-1]["sequence"] == 7
    assert (messages[-1]["type"], messages[-1]["status"]) == ("OrderRestated", "confirmed")
    assert messages[-1]["executedPrice"] == "148.666666666666667"
    assert messages[-1]["data"]["reason"] == "other_amounts"
    # Who resumes after the end hears what came later.
    assert await stream(engine, order_id, "?events=true&after=6") == ([messages[-1]], 1000)
    # The status is as it was.
    statuses, _ = await stream(engine, order_id)
    assert [message["sequence"] for message in statuses] == [1, 2, 3, 5, 6]
    read = (await engine.http.get(order)).json()
    assert (read["version"], read["status"], read["executedAmountOut"]) == (7, "confirmed", "223")
    assert (await engine.http.get(order, params={"version": 6})).json()["executedAmountOut"] == "224"
    position = (await engine.http.get(f"{order}/events")).json()["items"][-1]["position"]
    [listed] = (await engine.http.get("/api/orders", params={"position": position})).json()["items"]
    assert (listed["executedAmountOut"], listed["version"]) == ("223", 7)


async def test_a_cancel_in_the_place_of_a_confirmed_swap_is_told_as_a_change_of_status(engine: Engine) -> None:
    order_id = (await engine.submit())["orderId"]
    cancel = replace(build(2), purpose="cancel", minimum_out=0)
    await engine.tell(order_id, *TO_CONFIRMED[:3], c.RequestCancel(by="me"), cancel, landing(1))
    final = landing(2, "finalized").landing.model_copy(update={"shown_by": ("127.0.0.1",)})
    await engine.tell(order_id, c.RestateOutcome(2, final))
    messages, _ = await stream(engine, order_id)
    assert [message["status"] for message in messages][-2:] == ["confirmed", "cancelled"]
    assert messages[-1]["cancellation"]["txHash"] == "signature-2"
    order = (await engine.http.get(f"/api/orders/{order_id}")).json()
    assert (order["status"], order.get("executedAmountOut")) == ("cancelled", None)
