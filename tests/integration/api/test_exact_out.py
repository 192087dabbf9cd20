"""Orders that name the amount they get, as clients meet them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from domain import commands as c
from domain.commands import RecordQuotes
from runtime.composition import utc_now
from tests.integration.api.serving import Engine, running
from tests.integration.api.test_account_limits import limit, used
from tests.integration.api.test_batch import post as batch
from tests.integration.conftest import TestDatabase
from tests.integration.localnet.local_node import LocalNode
from tests.ports import free_port
from tests.unit.domain.scenario import quote

BODY: dict[str, Any] = {"tokenIn": "USDC", "tokenOut": "SOL", "amountOut": "1.5", "slippageBps": 50}
LIMIT: dict[str, Any] = {**BODY, "type": "limit", "limitPrice": "100"}


async def post(engine: Engine, body: dict[str, Any], **changes: Any) -> tuple[int, dict[str, Any]]:
    answer = await engine.http.post("/api/orders/execute", json={**body, **changes})
    return answer.status_code, dict(answer.json())


async def shown(engine: Engine, order_id: str) -> dict[str, Any]:
    return dict((await engine.http.get(f"/api/orders/{order_id}")).json())


async def test_an_order_has_one_of_its_amounts(engine: Engine) -> None:
    for body, code, field in (
        ({**BODY, "amountIn": "1"}, "conflicting_fields", "amountOut"),
        ({**BODY, "amount": "1"}, "conflicting_fields", "amountOut"),
        ({name: value for name, value in BODY.items() if name != "amountOut"}, "missing_field", "amountIn"),
        ({**BODY, "amountOut": None}, "missing_field", "amountIn"),
        ({**BODY, "amountOut": "0"}, "amount_not_positive", "amountOut"),
        ({**BODY, "amountOut": "1e-10"}, "too_many_decimals", "amountOut"),
        ({**LIMIT, "amountOut": "1e-9", "limitPrice": "1e-9"}, "limit_out_of_reach", "limitPrice"),
        ({**LIMIT, "limitPrice": "1e20"}, "limit_out_of_reach", "limitPrice"),
        ({**LIMIT, "tokenIn": "SOL", "tokenOut": "USDC", "limitPrice": "1e-12"}, "limit_out_of_reach", "limitPrice"),
    ):
        status, problem = await post(engine, body)
        assert (status, problem["code"], problem["field"]) == (422, code, field)
        preview = await engine.http.post("/api/orders/preview", json=body)
        assert (preview.status_code, preview.json()["code"]) == (422, code)
    assert (await post(engine, BODY, amountIn=None))[0] == 202


async def test_it_shows_what_it_gets_and_what_it_may_pay(engine: Engine) -> None:
    _, market = await post(engine, BODY)
    _, limited = await post(engine, LIMIT)
    order = await shown(engine, market["orderId"])
    assert (order["amountOut"], order.get("amountIn"), order.get("maximumIn")) == ("1.5", None, None)
    order = await shown(engine, limited["orderId"])
    assert (order["amountOut"], order.get("amountIn"), order["maximumIn"]) == ("1.5", None, "150")
    asked = quote(out=1_500_000_000, amount_in=224_000_000)
    await engine.tell(market["orderId"], RecordQuotes((asked,), (), utc_now()))
    assert (await shown(engine, market["orderId"]))["maximumIn"] == "225.12"
    story = (await engine.http.get(f"/api/orders/{market['orderId']}/events")).json()["items"]
    assert story[0]["data"]["amountOutBaseUnits"] == "1500000000" and "amountInBaseUnits" not in story[0]["data"]
    assert story[2]["data"]["maximumInBaseUnits"] == "225120000"


async def test_a_repeat_gets_the_first_answer_and_other_terms_a_conflict(engine: Engine) -> None:
    first = await post(engine, LIMIT, clientOrderId="x")
    assert first == await post(engine, LIMIT, clientOrderId="x", amountOut=1.50)
    for changes in ({"amountOut": "1.6"}, {"amountOut": None, "amountIn": "1.5"}):
        status, problem = await post(engine, LIMIT, clientOrderId="x", **changes)
        assert (status, problem["code"]) == (409, "client_order_id_conflict")
    items = await batch(engine, {**LIMIT, "clientOrderId": "x"}, {**BODY, "amountIn": "1"}, BODY)
    assert [item["status"] for item in items] == [202, 422, 202]
    assert items[0]["order"] == first[1]


async def test_it_is_amended_by_the_amount_that_it_names(engine: Engine) -> None:
    _, order = await post(engine, LIMIT)
    path = f"/api/orders/{order['orderId']}"
    refused = await engine.http.patch(path, json={"amountIn": "1"}, headers={"If-Match": '"1"'})
    assert (refused.status_code, refused.json()["code"]) == (422, "amount_not_allowed")
    assert refused.json()["field"] == "amountIn"
    amended = await engine.http.patch(path, json={"amountOut": "1.2"}, headers={"If-Match": '"1"'})
    assert (amended.status_code, amended.json()["amountOut"], amended.json()["maximumIn"]) == (200, "1.2", "120")
    story = (await engine.http.get(f"{path}/events")).json()["items"]
    assert (story[-1]["data"]["amountOutBaseUnits"], story[-1]["data"]["keepsPlace"]) == ("1200000000", True)


async def test_the_limits_count_what_it_may_pay_at_most(engine: Engine) -> None:
    await limit(engine, maxOrderNotional="150", maxDailyNotional="260")
    status, problem = await post(engine, LIMIT, amountOut="1.50000001")
    assert (status, problem["code"]) == (422, "order_too_large")
    _, order = await post(engine, LIMIT)
    assert await used(engine) == (1, "150")
    assert (await post(engine, LIMIT, amountOut="1.2"))[1]["code"] == "notional_exceeded"
    path = f"/api/orders/{order['orderId']}"
    assert (await engine.http.patch(path, json={"amountOut": "1"}, headers={"If-Match": '"1"'})).status_code == 200
    assert await used(engine) == (1, "100")
    await engine.tell(order["orderId"], c.RequestCancel())


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNode]:
    port = free_port()
    node = LocalNode(tmp_path_factory.mktemp("chain"), port, slot_ms=20)
    node.start()
    yield node
    node.stop()


async def test_a_preview_says_what_it_would_pay_and_at_most(node: LocalNode, database: TestDatabase) -> None:
    async with running(database.app, rpc_url=node.url) as engine:
        answer = await engine.http.post("/api/orders/preview", json=BODY)
        assert answer.status_code == 200, answer.text
        seen = answer.json()
        route = seen["route"]
        assert (route["expectedOut"], route["minimumOut"]) == ("1.5", "1.5")
        paid = min(float(one["amountIn"]) for one in seen["quotes"])
        assert float(route["expectedIn"]) == paid
        assert 1.0049 < float(route["maximumIn"]) / paid <= 1.005
        assert 700 < seen["bytes"] <= 1232
        beyond = (await engine.http.post("/api/orders/preview", json=LIMIT)).json()
        assert (beyond["route"], beyond["refusal"]) == (None, None)
        too_much = (await engine.http.post("/api/orders/preview", json={**BODY, "amountOut": "1e9"})).json()
        assert {one["refusal"] for one in too_much["quotes"]} == {"no_liquidity"}


async def test_a_market_order_counts_the_markets_price_and_its_slippage(
    node: LocalNode, database: TestDatabase
) -> None:
    async with running(database.app, rpc_url=node.url) as engine:
        await limit(engine, maxDailyNotional="1000")
        _, order = await post(engine, BODY)
        taken = float((await used(engine))[1])
        assert 1.5 * 150 * 1.005 < taken < 1.5 * 150 * 1.012
        sells = {"tokenIn": "SOL", "tokenOut": "USDC", "amountOut": "100", "slippageBps": 100}
        await post(engine, sells)
        assert float((await used(engine))[1]) == pytest.approx(taken + 101)
        assert UUID(order["orderId"])
