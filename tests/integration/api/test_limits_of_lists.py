"""What orders that exclude each other take of an account's limits once they are amended."""

from __future__ import annotations

from typing import Any

from tests.integration.api.serving import Engine
from tests.integration.api.test_account_limits import limit

WORTH: dict[str, Any] = {"tokenIn": "USDC", "tokenOut": "SOL", "type": "limit", "limitPrice": "100"}


async def post(engine: Engine, *amounts: str) -> tuple[int, list[str]]:
    legs = [{**WORTH, "amountIn": amount} for amount in amounts]
    answer = await engine.http.post("/api/order-lists", json={"kind": "oco", "legs": legs})
    return answer.status_code, answer.json().get("orderIds", [])


async def amend(engine: Engine, order_id: str, version: int, **changes: str) -> int:
    match = {"If-Match": f'"{version}"'}
    return (await engine.http.patch(f"/api/orders/{order_id}", json=changes, headers=match)).status_code


async def open_now(engine: Engine) -> str:
    return str((await engine.http.get("/api/account")).json()["used"]["openNotional"])


async def test_one_that_is_amended_to_less_leaves_the_other_one_counted(engine: Engine) -> None:
    await limit(engine, maxOpenNotional="250")
    _, (first, second) = await post(engine, "100", "150")
    assert await open_now(engine) == "150"
    assert await amend(engine, first, 1, amountIn="1") == 200
    assert await amend(engine, first, 2, amountIn="2", limitPrice="99") == 200
    assert await open_now(engine) == "150", "the other one may still be filled for as much"
    assert (await post(engine, "150", "1"))[0] == 429
    assert await amend(engine, second, 1, amountIn="120") == 200
    assert await open_now(engine) == "150"


async def test_one_that_is_amended_to_more_counts_with_what_is_more_than_the_list_has_taken(engine: Engine) -> None:
    await limit(engine, maxOpenNotional="250")
    _, (first, second) = await post(engine, "100", "150")
    assert await amend(engine, second, 1, amountIn="200") == 200
    assert await open_now(engine) == "200"
    assert await amend(engine, first, 1, amountIn="180") == 200
    assert await open_now(engine) == "200"
    assert await amend(engine, second, 2, amountIn="251") == 429
    assert await amend(engine, first, 2, amountIn="250") == 200
    assert await open_now(engine) == "250"
