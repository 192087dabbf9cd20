"""TWAPs over HTTP: taken once, refused where they make no sense, followed, paused, resumed and cancelled."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from api.callers.caller import KEYLESS
from commands.ids import DEFAULT_ACCOUNT, uuid7
from commands.ids import list_id as id_of_list
from commands.submit import submit_order
from domain.commands import RecordSent, SubmitOrder
from domain.directory import account_id_of
from event_store.errors import OutcomeUnknownError
from event_store.types import AppendRequest, NewEvent, Stored
from tests.integration.api.serving import CONFIG, Engine, running
from tests.integration.api.test_put_back import found_behind
from tests.integration.api.test_streams import stream
from tests.integration.conftest import TestDatabase
from tests.unit.domain.scenario import NOW, build, landing, quote, quoted

LISTS = "/api/order-lists"
ORDER = {"tokenIn": "SOL", "tokenOut": "USDC", "amountIn": "2", "type": "limit", "limitPrice": "1000"}
MARKET = {"tokenIn": "SOL", "tokenOut": "USDC", "type": "market", "slippageBps": 100}
SENT = RecordSent(1, "signature-1", "accepted")
TWAP = {"kind": "twap", "clientListId": "t-1", "order": {**ORDER, "timeInForce": "gtc"}, "slices": 4, "everyMs": 3000}


async def post(engine: Engine, **changes: Any) -> tuple[int, dict[str, Any]]:
    answer = await engine.http.post(LISTS, json={**TWAP, **changes})
    return answer.status_code, answer.json()


async def submit(engine: Engine, **changes: Any) -> str:
    status, body = await post(engine, **changes)
    assert status == 202, body
    return str(body["listId"])


async def shown(engine: Engine, list_id: str) -> dict[str, Any]:
    answer = await engine.http.get(f"{LISTS}/{list_id}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def take(engine: Engine, list_id: str, number: int) -> str:
    """Record a slice as whoever watches the schedule does."""
    twap = await engine.twaps.owned(UUID(list_id), DEFAULT_ACCOUNT)
    command = SubmitOrder(twap.terms(number), None, "localnet", parent_id=twap.list_id)
    await submit_order(engine.orders, DEFAULT_ACCOUNT, command, as_id=twap.order_id(number))
    return str(twap.order_id(number))


async def test_it_is_taken_once_and_a_repeat_gets_the_first_answer(engine: Engine) -> None:
    answer = await engine.http.post(LISTS, json=TWAP)
    assert answer.status_code == 202
    list_id = str(id_of_list(DEFAULT_ACCOUNT, "t-1"))
    assert answer.json() == {
        "listId": list_id, "kind": "twap", "orderIds": [], "position": "1.1", "network": "localnet",
    }  # fmt: skip
    assert answer.headers["location"] == f"{LISTS}/{list_id}"
    await take(engine, list_id, 1)
    again = await engine.http.post(LISTS, json={**TWAP, "order": {**TWAP["order"], "amountIn": "2.0"}})
    assert (again.status_code, again.content) == (202, answer.content)
    assert await engine.events.head() == 2


@pytest.mark.parametrize("other", [{"slices": 5}, {"everyMs": 4000}, {"order": {**ORDER, "timeInForce": "ioc"}}])
async def test_another_list_under_its_id_is_refused(engine: Engine, other: dict[str, Any]) -> None:
    await submit(engine)
    status, body = await post(engine, **other)
    assert (status, body["code"], body["field"]) == (409, "client_list_id_conflict", "clientListId")
    assert await engine.events.head() == 1


async def test_a_client_list_id_belongs_to_one_list_of_whatever_kind(engine: Engine) -> None:
    legs = [ORDER, {**ORDER, "limitPrice": "2000"}]
    await submit(engine)
    answer = await engine.http.post(LISTS, json={"kind": "oco", "clientListId": "t-1", "legs": legs})
    assert (answer.status_code, answer.json()["code"]) == (409, "client_list_id_conflict")
    assert await engine.events.head() == 1
    oco = await engine.http.post(LISTS, json={"kind": "oco", "clientListId": "t-2", "legs": legs})
    assert oco.status_code == 202
    status, body = await post(engine, clientListId="t-2")
    assert (status, body["code"]) == (409, "client_list_id_conflict")
    paused = await engine.http.post(f"{LISTS}/{oco.json()['listId']}/pause")
    assert (paused.status_code, paused.json()["code"]) == (404, "list_not_found")
    order = (await engine.http.get(f"/api/orders/{oco.json()['orderIds'][0]}")).json()
    assert order["parentId"] == oco.json()["listId"]


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"kind": None}, 422, "missing_field", "kind"),
        ({"kind": "iceberg"}, 422, "unknown_list_kind", "kind"),
        ({"kind": 7}, 422, "unknown_list_kind", "kind"),
        ({"clientListId": None}, 422, "missing_field", "clientListId"),
        ({"clientListId": "a b"}, 422, "invalid_client_order_id", "clientListId"),
        ({"order": None}, 422, "missing_field", "order"),
        ({"order": "SOL"}, 400, "not_an_object", "order"),
        ({"slices": None}, 422, "missing_field", "slices"),
        ({"everyMs": None}, 422, "missing_field", "everyMs"),
        ({"legs": []}, 422, "unknown_field", "legs"),
        ({"slices": 1}, 422, "invalid_slices", "slices"),
        ({"slices": 1001}, 422, "invalid_slices", "slices"),
        ({"slices": 1_000_000}, 422, "invalid_slices", "slices"),
        ({"slices": 10**30}, 422, "invalid_slices", "slices"),
        ({"slices": "20"}, 422, "invalid_slices", "slices"),
        ({"slices": 2.5}, 422, "invalid_slices", "slices"),
        ({"slices": True}, 422, "invalid_slices", "slices"),
        ({"slices": -4}, 422, "invalid_slices", "slices"),
        ({"everyMs": 999}, 422, "invalid_every_ms", "everyMs"),
        ({"everyMs": 86_400_001}, 422, "invalid_every_ms", "everyMs"),
        ({"order": {**ORDER, "amountIn": "0.000000003"}}, 422, "slice_too_small", "order.amountIn"),
        ({"order": {**ORDER, "amountIn": "-1"}}, 422, "amount_not_positive", "order.amountIn"),
        ({"order": {**ORDER, "type": "stop-limit", "stopPrice": "9"}}, 422, "not_sliceable", "order.type"),
        ({"order": {**ORDER, "clientOrderId": "a"}}, 422, "not_sliceable", "order.clientOrderId"),
        ({"order": {k: v for k, v in ORDER.items() if k != "amountIn"} | {"amountOut": "5"}}, 422, "not_sliceable",
         "order.amountOut"),
        (
            {"order": {**ORDER, "timeInForce": "gtd", "expiresAt": "2040-01-01T00:00:00Z"}},
            422, "not_sliceable", "order.timeInForce",
        ),
        ({"order": {**ORDER, "limitPrice": None}}, 422, "missing_price", "order.limitPrice"),
        ({"order": {**ORDER, "tokenOut": "DOGE"}}, 422, "unknown_token", "order.tokenOut"),
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused_and_leaves_no_trace(
    engine: Engine, changes: dict[str, Any], status: int, code: str, field: str
) -> None:
    found, body = await post(engine, **changes)
    assert (found, body["code"], body["field"]) == (status, code, field)
    assert await engine.events.head() == 0
    assert await engine.twaps.schedule.next(1) == []


async def test_a_limit_slice_is_tried_once_unless_it_says_otherwise(engine: Engine) -> None:
    list_id = UUID(await submit(engine, order=ORDER))
    assert (await engine.twaps.owned(list_id, DEFAULT_ACCOUNT)).terms(1).time_in_force == "ioc"
    other = UUID(await submit(engine, clientListId="t-2"))
    assert (await engine.twaps.owned(other, DEFAULT_ACCOUNT)).terms(1).time_in_force == "gtc"


async def test_what_an_operator_forbids_is_not_taken(engine: Engine) -> None:
    await engine.http.put("/api/admin/trading-state", json={"scope": "engine", "state": "halted", "because": "x"})
    status, body = await post(engine)
    assert (status, body["code"]) == (423, "trading_halted")
    limits = {"pairs": ["JUP/USDC"]}
    await engine.http.put("/api/admin/trading-state", json={"scope": "engine", "state": "active", "because": "x"})
    await engine.http.put("/api/admin/accounts/default/limits", json=limits)
    async with asyncio.timeout(10):
        while (await post(engine))[1].get("code") != "pair_not_allowed":
            await asyncio.sleep(0.05)


async def test_its_progress_is_that_of_its_slices(engine: Engine) -> None:
    list_id = await submit(engine)
    empty = await shown(engine, list_id)
    assert empty == {
        "listId": list_id, "kind": "twap", "clientListId": "t-1", "status": "active", "done": 0, "slices": 4,
        "everyMs": 3000, "pair": "SOL/USDC", "side": "sell", "amountIn": "2", "network": "localnet", "orderIds": [],
        "refused": [], "executedAmountIn": "0", "executedAmountOut": "0",
    }  # fmt: skip
    first = await take(engine, list_id, 1)
    twap = await engine.twaps.owned(UUID(list_id), DEFAULT_ACCOUNT)
    await engine.twaps.refuse_slice(twap, DEFAULT_ACCOUNT, 2, "open_orders_exceeded", "Too many.", ())
    now = await shown(engine, list_id)
    assert (now["done"], now["orderIds"]) == (1, [first])
    assert now["refused"] == [{"slice": 2, "code": "open_orders_exceeded", "detail": "Too many."}]
    order = (await engine.http.get(f"/api/orders/{first}")).json()
    assert (order["parentId"], order["amountIn"]) == (list_id, "0.5")


async def test_its_slices_are_a_filter_of_the_list(engine: Engine) -> None:
    engine.project()
    list_id = await submit(engine)
    slices = [await take(engine, list_id, number) for number in (1, 2, 3)]
    accepted = await engine.submit()
    asked = {"parentId": list_id, "position": accepted["position"], "sort": "submittedAt", "limit": 2}
    page = (await engine.http.get("/api/orders", params=asked)).json()
    assert [one["orderId"] for one in page["items"]] == slices[:2]
    rest = (await engine.http.get("/api/orders", params={**asked, "cursor": page["next"]})).json()
    assert [one["orderId"] for one in rest["items"]] == slices[2:]
    refused = await engine.http.get("/api/orders", params={"parentId": "7"})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_query")
    other = await engine.http.get("/api/orders", params={"cursor": page["next"], "sort": "submittedAt"})
    assert (other.status_code, other.json()["code"]) == (400, "invalid_query")


async def test_it_is_paused_resumed_and_cancelled_with_what_rests(engine: Engine) -> None:
    list_id = await submit(engine)
    first = await take(engine, list_id, 1)
    for _ in range(2):
        answer = await engine.http.post(f"{LISTS}/{list_id}/pause")
        assert (answer.status_code, answer.json()["status"]) == (202, "paused")
    assert (await engine.http.post(f"{LISTS}/{list_id}/resume")).json()["status"] == "active"
    for _ in range(2):
        answer = await engine.http.post(f"{LISTS}/{list_id}/cancel")
        assert (answer.status_code, answer.json()["status"], answer.json()["done"]) == (202, "cancelled", 1)
    assert (await engine.http.get(f"/api/orders/{first}")).json()["status"] == "cancelled"
    topics = [one.topic for one in await engine.events.load(UUID(list_id))]
    assert topics == [f"account.{one}" for one in ("TwapSubmitted", "TwapPaused", "TwapResumed", "TwapCancelled")]
    for say in ("pause", "resume"):
        ended = await engine.http.post(f"{LISTS}/{list_id}/{say}")
        assert (ended.status_code, ended.json()["code"]) == (409, "list_ended")


async def test_a_cancel_says_what_became_of_each_slice_that_was_open(engine: Engine) -> None:
    list_id = await submit(engine, order={**MARKET, "amountIn": "4.5"}, slices=3)
    done, live = await take(engine, list_id, 1), await take(engine, list_id, 2)
    await engine.http.post(f"/api/orders/{done}/cancel")
    await engine.tell(live, quoted(quote(out=224_000_000), now=NOW), build(), SENT)
    answer = (await engine.http.post(f"{LISTS}/{list_id}/cancel")).json()
    assert answer["items"] == [{"orderId": live, "outcome": "pending", "status": "submitted"}]
    assert (answer["status"], answer["done"]) == ("cancelled", 1)
    await engine.tell(live, landing(1))
    now = await shown(engine, list_id)
    assert (now["status"], now["done"]) == ("cancelled", 2) and "items" not in now


async def test_a_cancel_that_came_too_late_for_all_of_it_leaves_it_finished(engine: Engine) -> None:
    list_id = await submit(engine, order={**MARKET, "amountIn": "3"}, slices=2)
    for number in (1, 2):
        order_id = await take(engine, list_id, number)
        await engine.tell(order_id, quoted(quote(out=224_000_000), now=NOW), build(), SENT)
        if number == 2:
            await engine.http.post(f"{LISTS}/{list_id}/cancel")
        await engine.tell(order_id, landing(1))
    assert (await shown(engine, list_id))["status"] == "finished"


async def test_one_that_has_finished_is_not_cancelled(engine: Engine) -> None:
    list_id = await submit(engine, slices=2)
    for number in (1, 2):
        await engine.http.post(f"/api/orders/{await take(engine, list_id, number)}/cancel")
    head = await engine.events.head()
    answer = await engine.http.post(f"{LISTS}/{list_id}/cancel")
    assert (answer.status_code, answer.json()["status"], answer.json()["items"]) == (202, "finished", [])
    assert await engine.events.head() == head


async def cancel_all(engine: Engine) -> dict[str, Any]:
    return dict((await engine.http.post("/api/orders/cancel", json={"all": True})).json())


async def test_a_cancel_of_all_leaves_one_that_has_finished_as_it_is(engine: Engine) -> None:
    """Its row is there still, as where somebody wanted to end it before and died first."""
    list_id, goes_on = await submit(engine, slices=2), await submit(engine, clientListId="t-2")
    for number in (1, 2):
        await engine.http.post(f"/api/orders/{await take(engine, list_id, number)}/cancel")
    assert UUID(list_id) in await engine.twaps.schedule.of_account(DEFAULT_ACCOUNT)
    assert (await cancel_all(engine))["listIds"] == [goes_on]
    assert (await shown(engine, list_id))["status"] == "finished"
    assert [one.topic for one in await engine.events.load(UUID(list_id))] == ["account.TwapSubmitted"]


async def test_one_that_finishes_while_it_is_being_cancelled_has_finished(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_id = await submit(engine, slices=2)
    first, last = await take(engine, list_id, 1), await take(engine, list_id, 2)
    await engine.http.post(f"/api/orders/{first}/cancel")
    add = engine.twaps.schedule.add

    async def ends_first(*row: Any) -> None:
        await add(*row)
        await engine.http.post(f"/api/orders/{last}/cancel")

    monkeypatch.setattr(engine.twaps.schedule, "add", ends_first)
    assert "listIds" not in await cancel_all(engine)
    assert (await shown(engine, list_id))["status"] == "finished"


async def test_one_with_a_slice_that_cannot_be_read_is_cancelled(engine: Engine) -> None:
    """Nobody can tell whether that has ended; the last one was refused."""
    list_id = await submit(engine, slices=2)
    order_id, command = UUID(await take(engine, list_id, 1)), uuid7()
    newer = NewEvent(order_id, 2, uuid7(), "order.Newer", b"{}", DEFAULT_ACCOUNT, command, command, None)
    assert isinstance(await engine.orders._appender.append(AppendRequest((newer,))), Stored)
    known = await engine.twaps.owned(UUID(list_id), DEFAULT_ACCOUNT)
    await engine.twaps.refuse_slice(known, DEFAULT_ACCOUNT, 2, "order_too_large", "It is too large.", ())
    assert (await cancel_all(engine))["listIds"] == [list_id]


async def test_a_slice_keeps_its_amount(engine: Engine) -> None:
    order_id = await take(engine, await submit(engine), 1)
    seen = {"If-Match": '"1"'}
    refused = await engine.http.patch(f"/api/orders/{order_id}", json={"amountIn": "3"}, headers=seen)
    problem = refused.json()
    assert (refused.status_code, problem["code"], problem["field"]) == (422, "amount_not_allowed", "amountIn")
    amended = await engine.http.patch(
        f"/api/orders/{order_id}", json={"amountIn": "0.5", "limitPrice": "900"}, headers=seen
    )
    assert (amended.status_code, amended.json()["limitPrice"]) == (200, "900")


async def test_once_all_slices_have_ended_it_is_finished(engine: Engine) -> None:
    list_id = await submit(engine, slices=2)
    for number in (1, 2):
        order_id = await take(engine, list_id, number)
        await engine.http.post(f"/api/orders/{order_id}/cancel")
    now = await shown(engine, list_id)
    assert (now["status"], now["done"]) == ("finished", 2)
    ended = await engine.http.post(f"{LISTS}/{list_id}/pause")
    assert (ended.status_code, ended.json()["code"]) == (409, "list_ended")


@pytest.mark.parametrize("asked", [{"all": True}, {"pair": "SOL/USDC"}])
async def test_a_cancel_of_all_stops_it(engine: Engine, asked: dict[str, Any]) -> None:
    list_id = await submit(engine)
    elsewhere = await submit(engine, clientListId="t-2", order={**ORDER, "tokenIn": "JUP"})
    order_id = await take(engine, list_id, 1)
    answer = await engine.http.post("/api/orders/cancel", json=asked)
    assert [one["orderId"] for one in answer.json()["items"]] == [order_id]
    assert set(answer.json()["listIds"]) == ({list_id, elsewhere} if "all" in asked else {list_id})
    assert "listIds" not in (await engine.http.post("/api/orders/cancel", json={"ids": [order_id]})).json()
    assert (await shown(engine, list_id))["status"] == "cancelled"
    assert (await shown(engine, elsewhere))["status"] == ("cancelled" if "all" in asked else "active")


async def test_one_whose_slices_all_rest_is_stopped_too(engine: Engine) -> None:
    """Nothing is left to submit, so it has no row; it hasn't finished, and its cancel is one."""
    list_id = await submit(engine, slices=2)
    placed = [await take(engine, list_id, number) for number in (1, 2)]
    [row] = await engine.twaps.schedule.next(1)
    await engine.twaps.schedule.drop(row)
    answer = await cancel_all(engine)
    assert [(one["orderId"], one["outcome"]) for one in answer["items"]] == [(one, "cancelled") for one in placed]
    assert answer["listIds"] == [list_id]
    assert (await shown(engine, list_id))["status"] == "cancelled"


@pytest.mark.parametrize("call", ["/api/orders/cancel", f"{LISTS}/{{}}/cancel"])
async def test_a_slice_that_the_watcher_was_first_to_cancel_is_told_of(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    list_id = await submit(engine)
    ended, placed = await take(engine, list_id, 1), [await take(engine, list_id, number) for number in (2, 3)]
    await engine.http.post(f"/api/orders/{ended}/cancel")
    cancel = engine.twaps.cancel

    async def seen_by_the_watcher(*of: Any, **why: Any) -> Any:
        known = await cancel(*of, **why)
        for order_id in placed:
            await engine.http.post(f"/api/orders/{order_id}/cancel")
        return known

    monkeypatch.setattr(engine.twaps, "cancel", seen_by_the_watcher)
    answer = await engine.http.post(
        call.format(list_id), json={"all": True} if call.endswith("orders/cancel") else None
    )
    items = answer.json()["items"]
    assert [(one["orderId"], one["outcome"]) for one in items] == [(one, "cancelled") for one in placed]


async def test_a_list_that_cannot_be_read_keeps_no_order_from_a_cancel_of_all(engine: Engine) -> None:
    broken = await submit(engine)
    rests = (await engine.submit(**{**ORDER, "amountIn": "1"}))["orderId"]
    command = uuid7()
    newer = NewEvent(UUID(broken), 2, uuid7(), "account.Newer", b"{}", DEFAULT_ACCOUNT, command, command, None)
    assert isinstance(await engine.orders._appender.append(AppendRequest((newer,))), Stored)
    answer = await engine.http.post("/api/orders/cancel", json={"all": True})
    told, cancelled = answer.json()["items"]
    assert (cancelled["orderId"], cancelled["status"]) == (rests, "cancelled")
    assert told["problem"]["code"] == "order_unreadable" and broken in told["problem"]["detail"]


@pytest.mark.parametrize("path", ["", "/cancel", "/pause", "/resume"])
async def test_a_list_that_is_not_there_is_not_found(engine: Engine, path: str) -> None:
    method = "POST" if path else "GET"
    unknown = await engine.http.request(method, f"{LISTS}/{uuid7()}{path}")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "list_not_found")
    malformed = await engine.http.request(method, f"{LISTS}/t-1{path}")
    assert (malformed.status_code, malformed.json()["code"]) == (400, "invalid_list_id")


@pytest.mark.parametrize("of", ["a list", "an account"])
async def test_the_id_of_something_else_is_no_orders(database: TestDatabase, of: str) -> None:
    """Its events are there, under the caller's account, and none of them is an order's."""
    desk = account_id_of("desk")
    async with running(database.app, keyless=replace(KEYLESS, account_id=desk)) as engine:
        await engine.directory.open("desk", None, by="test")
        one = await submit(engine) if of == "a list" else str(desk)
        assert await engine.events.load(UUID(one))
        seen = {"If-Match": '"1"'}
        for method, path, asked in (
            ("GET", "", {}),
            ("HEAD", "", {}),
            ("GET", "/events", {}),
            ("POST", "/cancel", {}),
            ("PATCH", "", {"json": {"limitPrice": "900"}, "headers": seen}),
        ):
            answer = await engine.http.request(method, f"/api/orders/{one}{path}", **asked)
            code = answer.json()["code"] if answer.content else "order_not_found"
            assert (answer.status_code, code) == (404, "order_not_found"), (method, path)
        named = (await engine.http.post("/api/orders/cancel", json={"ids": [one]})).json()["items"]
        assert [item["problem"]["code"] for item in named] == ["order_not_found"]
        assert [await stream(engine, one, query) for query in ("", "?after=1")] == [([], 4404)] * 2
        await found_behind(engine, 1)
        assert await stream(engine, one, "?after=9") == ([], 4404)


async def test_its_stream_tells_each_change_and_ends_with_it(engine: Engine) -> None:
    list_id = await submit(engine, slices=2)
    async with connect(f"{engine.ws}/ws/order-lists/{list_id}") as socket:
        async with asyncio.timeout(20):
            assert json.loads(await socket.recv()) == await shown(engine, list_id)
            first = await take(engine, list_id, 1)
            assert json.loads(await socket.recv())["orderIds"] == [first]
            await engine.http.post(f"{LISTS}/{list_id}/pause")
            assert json.loads(await socket.recv())["status"] == "paused"
            await engine.http.post(f"{LISTS}/{list_id}/cancel")
            told = [json.loads(text) async for text in socket]
        assert told[-1] == await shown(engine, list_id)
        assert (told[-1]["status"], told[-1]["done"]) == ("cancelled", 1)
        assert socket.close_code == 1000
    async with connect(f"{engine.ws}/ws/order-lists/{list_id}") as socket, asyncio.timeout(20):
        assert [json.loads(text) async for text in socket] == [told[-1]]


@pytest.mark.parametrize(
    ("list_id", "code"),
    [
        ("7", 4400),
        ("01a21ace-5b26-7932-9d6f-fe0e620711a1", 4404),
        ("01a21ace-5b26-7932-9d6f-fe0e620711a1?after=1", 4400),
    ],
)
async def test_a_stream_of_no_list_says_so(engine: Engine, list_id: str, code: int) -> None:
    async with connect(f"{engine.ws}/ws/order-lists/{list_id}") as socket:
        with pytest.raises(ConnectionClosed):
            async with asyncio.timeout(20):
                await socket.recv()
        assert socket.close_code == code


async def test_a_stream_that_fails_says_so(engine: Engine, monkeypatch: Any) -> None:
    async def failing(*_: object, **__: object) -> None:
        raise RuntimeError("nobody foresaw this")

    list_id = await submit(engine)
    monkeypatch.setattr(type(engine.twaps), "owned", failing)
    async with connect(f"{engine.ws}/ws/order-lists/{list_id}") as socket:
        with pytest.raises(ConnectionClosed):
            async with asyncio.timeout(20):
                await socket.recv()
        assert socket.close_code == 1011


async def test_an_unknown_outcome_says_that_it_may_be_asked_again(engine: Engine, monkeypatch: Any) -> None:
    async def lost(*_: object, **__: object) -> None:
        raise OutcomeUnknownError("the connection broke")

    monkeypatch.setattr(type(engine.twaps), "submit", lost)
    status, body = await post(engine)
    assert (status, body["code"], body["retryable"]) == (503, "outcome_unknown", True)


async def test_a_list_on_paper_never_becomes_real(database: TestDatabase) -> None:
    async with running(database.app, config=replace(CONFIG, paper=True)) as engine:
        list_id = await submit(engine)
    async with running(database.app) as engine:
        status, body = await post(engine)
        assert (status, body["code"]) == (409, "client_list_id_conflict")
        assert (await shown(engine, list_id))["paper"] is True


async def test_a_list_says_whether_it_is_on_paper_as_it_was_recorded(database: TestDatabase) -> None:
    """Whatever the engine that is asked again does with new ones."""
    oco = {"kind": "oco", "clientListId": "t-2", "legs": [ORDER, {**ORDER, "limitPrice": "2000"}]}
    async with running(database.app) as engine:
        real = [(await engine.http.post(LISTS, json=body)).content for body in (TWAP, oco)]
    async with running(database.app, config=replace(CONFIG, paper=True)) as engine:
        assert [(await engine.http.post(LISTS, json=body)).content for body in (TWAP, oco)] == real
        new = [{**body, "clientListId": f"new-{body['kind']}"} for body in (TWAP, oco)]
        answers = [await engine.http.post(LISTS, json=body) for body in new]
        assert [(one.json()["network"], one.json()["paper"]) for one in answers] == [("localnet", True)] * 2
        assert [(await engine.http.post(LISTS, json=body)).content for body in new] == [one.content for one in answers]
        told = await shown(engine, answers[0].json()["listId"])
        assert (told["network"], told["paper"]) == ("localnet", True)
        async with connect(f"{engine.ws}/ws/order-lists/{told['listId']}") as socket, asyncio.timeout(20):
            assert json.loads(await socket.recv()) == told
        kept = [json.loads(one) for one in real]
        assert [one["network"] for one in kept] == ["localnet"] * 2 and not any("paper" in one for one in kept)
        assert "paper" not in await shown(engine, kept[0]["listId"])
