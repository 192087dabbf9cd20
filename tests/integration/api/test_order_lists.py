"""Lists of orders as clients meet them: taken whole or not at all, once, and cancelled together."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from domain import commands as c
from domain.events import OrderSubmitted
from tests.integration.api.serving import BODY, Engine
from tests.integration.api.test_account_limits import limit, used
from tests.unit.domain.scenario import NOW, build, landing, quote, quoted

LIMIT = {**BODY, "type": "limit", "limitPrice": "500"}
STOP = {**BODY, "type": "stop", "stopPrice": "5"}
OCO = {"kind": "oco", "clientListId": "l-1", "legs": [LIMIT, STOP]}
OTO = {"kind": "oto", "clientListId": "l-2", "legs": [BODY, LIMIT]}
OTOCO = {"kind": "otoco", "clientListId": "l-3", "legs": [BODY, LIMIT, STOP]}
ROUTE = "/api/order-lists"


async def submit(engine: Engine, body: dict[str, Any]) -> dict[str, Any]:
    answer = await engine.http.post(ROUTE, json=body)
    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == f"{ROUTE}/{answer.json()['listId']}"
    found: dict[str, Any] = answer.json()
    return found


async def refusal(engine: Engine, body: Any) -> tuple[int, str, str | None]:
    head = await engine.events.head()
    answer = await engine.http.post(ROUTE, json=body)
    assert await engine.events.head() == head
    return answer.status_code, answer.json()["code"], answer.json().get("field")


async def shown(engine: Engine, list_id: str) -> dict[str, Any]:
    answer = await engine.http.get(f"{ROUTE}/{list_id}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


async def live(engine: Engine, order_id: str) -> None:
    """A swap of the order may land."""
    sent = c.RecordSent(1, "signature-1", "accepted")
    await engine.tell(order_id, quoted(quote(out=224_000_000), now=NOW), build(), sent)


async def test_a_list_is_one_append_and_its_repeat_gets_the_first_answer_byte_for_byte(engine: Engine) -> None:
    first = await engine.http.post(ROUTE, json=OCO)
    recorded = [await engine.events.load(UUID(order_id)) for order_id in first.json()["orderIds"]]
    assert len({one.command_id for stream in recorded for one in stream}) == 1
    await engine.http.post(f"{ROUTE}/{first.json()['listId']}/cancel")
    head = await engine.events.head()
    assert (await engine.http.post(ROUTE, json=OCO)).content == first.content
    assert await engine.events.head() == head


async def test_another_list_under_the_same_client_list_id_is_a_conflict(engine: Engine) -> None:
    await submit(engine, OCO)
    for other in (
        {**OCO, "legs": [LIMIT, {**STOP, "stopPrice": "6"}]},
        {**OCO, "legs": [STOP, LIMIT]},
        {**OTO, "clientListId": "l-1"},
        {**OTOCO, "clientListId": "l-1"},
    ):
        assert await refusal(engine, other) == (409, "client_list_id_conflict", "clientListId")


async def test_an_idempotency_key_is_another_name_of_the_client_list_id(engine: Engine) -> None:
    unnamed = {name: value for name, value in OCO.items() if name != "clientListId"}
    keyed = await engine.http.post(ROUTE, json=unnamed, headers={"Idempotency-Key": "l-1"})
    assert keyed.content == (await engine.http.post(ROUTE, json=OCO)).content
    changed = {**unnamed, "legs": [STOP, LIMIT]}
    conflict = (await engine.http.post(ROUTE, json=changed, headers={"Idempotency-Key": "l-1"})).json()
    assert (conflict["code"], conflict["field"]) == ("client_list_id_conflict", "Idempotency-Key")
    other = await engine.http.post(ROUTE, json=OCO, headers={"Idempotency-Key": "l-9"})
    assert (other.status_code, other.json()["code"]) == (422, "conflicting_fields")


async def test_two_without_a_client_list_id_are_two(engine: Engine) -> None:
    unnamed = {name: value for name, value in OCO.items() if name != "clientListId"}
    one, other = await submit(engine, unnamed), await submit(engine, unnamed)
    assert one["listId"] != other["listId"] and not {*one["orderIds"]} & {*other["orderIds"]}


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"kind": None}, 422, "missing_field", "kind"),
        ({"kind": "ladder"}, 422, "unknown_list_kind", "kind"),
        ({"kind": 7}, 422, "unknown_list_kind", "kind"),
        ({"legs": None}, 422, "missing_field", "legs"),
        ({"legs": [LIMIT]}, 422, "wrong_leg_count", "legs"),
        ({"legs": [LIMIT, STOP, STOP]}, 422, "wrong_leg_count", "legs"),
        ({"legs": {}}, 422, "wrong_leg_count", "legs"),
        ({"kind": "otoco"}, 422, "wrong_leg_count", "legs"),
        ({"legs": [LIMIT, 7]}, 400, "not_an_object", "legs[1]"),
        ({"legs": [LIMIT, {**STOP, "amountIn": "0"}]}, 422, "amount_not_positive", "legs[1].amountIn"),
        ({"legs": [{**LIMIT, "limitPrice": None}, STOP]}, 422, "missing_price", "legs[0].limitPrice"),
        (
            {"legs": [{**LIMIT, "clientOrderId": "a"}, STOP]},
            422,
            "client_order_id_not_allowed",
            "legs[0].clientOrderId",
        ),
        (
            {"legs": [LIMIT, {**STOP, "tokenIn": "USDC", "tokenOut": "SOL"}]},
            422,
            "legs_differ",
            "legs",
        ),
        ({"legs": [LIMIT, {**STOP, "tokenOut": "BONK"}]}, 422, "legs_differ", "legs"),
        ({"clientListId": "a b"}, 422, "invalid_client_order_id", "clientListId"),
        ({"ladder": 1}, 422, "unknown_field", "ladder"),
    ],
)
async def test_what_contradicts_itself_is_refused_and_nothing_is_recorded(
    engine: Engine, changes: dict[str, Any], status: int, code: str, field: str
) -> None:
    assert await refusal(engine, {**OCO, **changes}) == (status, code, field)


async def test_the_legs_that_follow_a_first_one_may_go_the_other_way_and_exclude_each_other_only_alike(
    engine: Engine,
) -> None:
    back = {"tokenIn": "USDC", "tokenOut": "SOL", "amountIn": "10"}
    await submit(engine, {**OTO, "legs": [BODY, back]})
    assert await refusal(engine, {**OTOCO, "legs": [back, LIMIT, back]}) == (422, "legs_differ", "legs")
    await submit(engine, {**OTOCO, "legs": [back, LIMIT, STOP]})


async def test_a_cancel_of_one_order_ends_both_and_its_answer_says_so(engine: Engine) -> None:
    accepted = await submit(engine, OCO)
    first, second = accepted["orderIds"]
    answer = await engine.http.post(f"/api/orders/{second}/cancel")
    assert answer.json() == {
        "orderId": second,
        "outcome": "cancelled",
        "status": "cancelled",
        "alsoEnds": [first],
    }
    again = (await engine.http.post(f"/api/orders/{first}/cancel")).json()
    assert again == {"orderId": first, "outcome": "cancelled", "status": "cancelled"}
    other = (await engine.http.get(f"/api/orders/{first}")).json()
    assert (other["status"], other["cancellation"]["code"]) == ("cancelled", "other_leg_ended")
    assert (await shown(engine, accepted["listId"]))["status"] == "ended"


async def test_a_cancel_of_a_live_order_is_pending_and_what_waits_beside_it_ends_at_once(engine: Engine) -> None:
    accepted = await submit(engine, {**OCO, "legs": [BODY, LIMIT]})
    first = accepted["orderIds"][0]
    await live(engine, first)
    answer = (await engine.http.post(f"{ROUTE}/{accepted['listId']}/cancel")).json()
    assert [(one["outcome"], one["status"]) for one in answer["items"]] == [
        ("pending", "submitted"),
        ("cancelled", "cancelled"),
    ]
    assert answer["status"] == "open"
    await engine.tell(first, landing(1))
    found = await shown(engine, accepted["listId"])
    assert (found["status"], [one["status"] for one in found["orders"]]) == ("filled", ["confirmed", "cancelled"])


async def test_the_second_order_of_an_oto_is_held_until_the_first_is_filled(engine: Engine) -> None:
    accepted = await submit(engine, OTO)
    first, second = accepted["orderIds"]
    found = await shown(engine, accepted["listId"])
    assert [one.get("held") for one in found["orders"]] == [None, True] and found["clientListId"] == "l-2"
    assert [one["parentId"] for one in found["orders"]] == [accepted["listId"]] * 2
    amended = await engine.http.patch(f"/api/orders/{second}", json={"limitPrice": "400"}, headers={"If-Match": '"1"'})
    assert (amended.status_code, amended.json()["code"]) == (409, "not_amendable")
    await live(engine, first)
    await engine.tell(first, landing(1))
    found = await shown(engine, accepted["listId"])
    assert [one.get("held") for one in found["orders"]] == [None, None] and found["status"] == "open"


async def test_a_cancel_of_an_otocos_first_order_ends_all_that_follow(engine: Engine) -> None:
    accepted = await submit(engine, {**OTOCO, "legs": [LIMIT, LIMIT, STOP]})
    answer = (await engine.http.post(f"{ROUTE}/{accepted['listId']}/cancel")).json()
    assert [one["outcome"] for one in answer["items"]] == ["cancelled"] * 3
    found = await shown(engine, accepted["listId"])
    assert [one["cancellation"]["code"] for one in found["orders"]] == ["cancelled", *["first_leg_not_filled"] * 2]
    head = await engine.events.head()
    assert (await engine.http.post(f"{ROUTE}/{accepted['listId']}/cancel")).json() == answer
    assert await engine.events.head() == head


async def test_a_pending_cancel_of_a_first_order_ends_none_that_follows_it(engine: Engine) -> None:
    accepted = await submit(engine, {**OTO, "legs": [BODY, LIMIT]})
    first, second = accepted["orderIds"]
    await live(engine, first)
    answer = (await engine.http.post(f"/api/orders/{first}/cancel")).json()
    assert answer["outcome"] == "pending" and "alsoEnds" not in answer
    await engine.tell(first, landing(1))
    assert "held" not in (await engine.http.get(f"/api/orders/{second}")).json()


async def test_a_cancel_names_what_it_ends_and_nothing_that_had_ended_before(engine: Engine) -> None:
    accepted = await submit(engine, {**OTOCO, "legs": [LIMIT, LIMIT, STOP]})
    first, second, third = accepted["orderIds"]
    assert (await engine.http.post(f"/api/orders/{second}/cancel")).json()["alsoEnds"] == [third]
    assert "alsoEnds" not in (await engine.http.post(f"/api/orders/{first}/cancel")).json()
    oto = await submit(engine, {**OTO, "legs": [LIMIT, LIMIT]})
    for _ in range(2):
        answer = (await engine.http.post(f"/api/orders/{oto['orderIds'][0]}/cancel")).json()
        assert answer["alsoEnds"] == oto["orderIds"][1:]


async def test_what_no_order_is_taken_for_names_its_leg(engine: Engine) -> None:
    past = {**STOP, "timeInForce": "gtd", "expiresAt": "2020-01-01T00:00:00Z"}
    late = (422, "expires_at_passed", "legs[1].expiresAt")
    assert await refusal(engine, {**OCO, "legs": [LIMIT, past]}) == late


async def test_only_a_twap_is_paused(engine: Engine) -> None:
    list_id = (await submit(engine, OCO))["listId"]
    for say in ("pause", "resume"):
        answer = await engine.http.post(f"{ROUTE}/{list_id}/{say}")
        assert (answer.status_code, answer.json()["code"]) == (404, "list_not_found")
        assert answer.json()["detail"] == "There is no such TWAP."


async def test_a_list_that_is_not_there_and_an_id_that_is_none(engine: Engine) -> None:
    order_id = (await engine.submit())["orderId"]
    for list_id, status, code in (
        (str(uuid4()), 404, "list_not_found"),
        (order_id, 404, "list_not_found"),
        ("x", 400, "invalid_list_id"),
    ):
        for method, path in (("GET", ""), ("POST", "/cancel")):
            answer = await engine.http.request(method, f"{ROUTE}/{list_id}{path}")
            assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_an_order_without_a_list_says_nothing_of_one(engine: Engine) -> None:
    order_id = (await engine.submit())["orderId"]
    found = (await engine.http.get(f"/api/orders/{order_id}")).json()
    assert not {"parentId", "held"} & found.keys()
    (first, *_) = await engine.events.load(UUID(order_id))
    assert first.topic == OrderSubmitted.TOPIC and b"leg" not in first.state


async def test_of_the_accounts_limits_orders_that_exclude_each_other_take_the_larger_ones_worth(engine: Engine) -> None:
    await limit(engine, maxOpenOrders=2, maxDailyNotional="250")
    worth = {"tokenIn": "USDC", "tokenOut": "SOL", "type": "limit", "limitPrice": "100"}
    legs = [{**worth, "amountIn": amount} for amount in ("100", "150")]
    accepted = await submit(engine, {**OCO, "legs": legs})
    assert await used(engine) == (2, "150")
    assert await refusal(engine, {**OCO, "clientListId": "l-9", "legs": legs}) == (429, "open_orders_exceeded", None)
    await submit(engine, {**OCO, "legs": legs})
    await engine.http.post(f"{ROUTE}/{accepted['listId']}/cancel")
    assert await used(engine) == (0, "150")
    follows = {**OTO, "legs": [{**worth, "amountIn": "60"}] * 2}
    assert await refusal(engine, follows) == (429, "notional_exceeded", None)
    assert await used(engine) == (0, "150"), "what was refused has reserved nothing"
