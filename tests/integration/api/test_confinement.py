"""No account sees or touches another's orders (I9): every route there is, asked by an attacker who has one key.

A route that is added without a word here on what the attacker finds there fails this test.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from litestar import Controller, Litestar, get
from litestar.handlers import HTTPRouteHandler, WebsocketRouteHandler
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from api.callers.rules import require_rules, routes, rule_of
from domain.directory import account_id_of
from domain.directory_events import SCOPES
from domain.tokens import SOL, USDC, pair_of
from projections.orders.resting_orders import RestingOrders
from tests.integration.api.serving import BODY, Engine, running
from tests.integration.api.test_keys import bearer, known
from tests.integration.conftest import TestDatabase

CLIENT_ID = "secret-client-id"
LIMIT = {"tokenIn": "SOL", "tokenOut": "USDC", "amountIn": "1", "type": "limit", "limitPrice": "987.65"}


@dataclass
class World:
    """``mine`` and ``theirs`` are headers with a key of each account; the orders are those of the attacked account."""

    engine: Engine
    mine: dict[str, str]
    theirs: dict[str, str]
    order_id: str
    position: str
    secrets: tuple[str, ...]

    async def ask(self, method: str, path: str, **request: Any) -> tuple[int, str]:
        answer = await self.engine.http.request(method, path, headers=self.mine, **request)
        return answer.status_code, answer.text

    def is_clean(self, text: str) -> bool:
        return not any(secret in text for secret in self.secrets)


@pytest.fixture
async def world(database: TestDatabase) -> AsyncIterator[World]:
    async with running(database.app, keyless=None) as engine:
        engine.project()
        keys = {}
        for name in ("attacked", "attacker"):
            account = await engine.directory.open(name, f"wallet-of-{name}", by="test")
            made = await engine.directory.issue(account.account_id, ("read", "trade"), None, by="test")
            await known(engine, made)
            keys[name] = made
        theirs = bearer(keys["attacked"])
        post = "/api/orders/execute"
        first = await engine.http.post(post, json={**BODY, "clientOrderId": CLIENT_ID}, headers=theirs)
        second = await engine.http.post(post, json={**LIMIT, "clientOrderId": "second"}, headers=theirs)
        assert (first.status_code, second.status_code) == (202, 202)
        secrets = (
            *(one.json()["orderId"] for one in (first, second)),
            *(CLIENT_ID, "987.65", "wallet-of-attacked", keys["attacked"].key, str(account_id_of("attacked"))),
        )
        yield World(
            engine, bearer(keys["attacker"]), theirs, first.json()["orderId"], second.json()["position"], secrets
        )


Attack = Callable[[World], Awaitable[None]]


async def finds_no_order(world: World, path: str, **request: Any) -> None:
    """What is another's is answered like what never was, byte for byte."""
    status, text = await world.ask("GET", path.format(world.order_id), **request)
    assert (status, json.loads(text)["code"]) == (404, "order_not_found")
    assert (status, text) == await world.ask("GET", path.format(uuid4()), **request)


async def order(world: World) -> None:
    await finds_no_order(world, "/api/orders/{}")
    await finds_no_order(world, "/api/orders/{}", params={"version": 1})
    await finds_no_order(world, "/api/orders/{}", params={"as_of": "2026-01-01T00:00:00Z"})


async def by_client_id(world: World) -> None:
    status, text = await world.ask("GET", f"/api/orders/by-client-id/{CLIENT_ID}")
    assert (status, json.loads(text)["code"]) == (404, "order_not_found")
    status, text = await world.ask("GET", "/api/orders", params={"clientOrderId": CLIENT_ID})
    assert (status, json.loads(text)["items"]) == (200, [])


async def order_events(world: World) -> None:
    await finds_no_order(world, "/api/orders/{}/events")
    await finds_no_order(world, "/api/orders/{}/events", params={"cursor": "1"})


async def order_list(world: World) -> None:
    for more in ({}, {"status": "pending"}, {"status": "routing"}):
        status, text = await world.ask("GET", "/api/orders", params={"position": world.position, **more})
        assert (status, json.loads(text)["items"]) == (200, [])
    theirs = await world.engine.http.get("/api/orders", params={"limit": 1}, headers=world.theirs)
    assert theirs.json()["next"]
    status, text = await world.ask("GET", "/api/orders", params={"cursor": theirs.json()["next"]})
    assert (status, json.loads(text)["code"]) == (400, "invalid_query") and world.is_clean(text)


async def submits_an_order_of_its_own(world: World, path: str) -> None:
    """The same client order id is another order, with other terms too; it says nothing of the one it resembles."""
    status, text = await world.ask("POST", path, json={**BODY, "amountIn": "7", "clientOrderId": CLIENT_ID})
    answer = json.loads(text)
    assert status == 202 and answer["orderId"] not in world.secrets
    recorded = await world.engine.events.load(UUID(answer["orderId"]))
    assert {event.account_id for event in recorded} == {account_id_of("attacker")}


async def execute(world: World) -> None:
    await submits_an_order_of_its_own(world, "/api/orders/execute")


async def submit(world: World) -> None:
    await submits_an_order_of_its_own(world, "/api/orders")


async def batch(world: World) -> None:
    orders = [{**BODY, "clientOrderId": CLIENT_ID}, {**BODY, "clientOrderId": "second"}]
    status, text = await world.ask("POST", "/api/orders/batch", json={"orders": orders})
    assert status == 207 and world.is_clean(text.replace(CLIENT_ID, ""))
    for item in json.loads(text)["items"]:
        recorded = await world.engine.events.load(UUID(item["order"]["orderId"]))
        assert {event.account_id for event in recorded} == {account_id_of("attacker")}


async def preview(world: World) -> None:
    before = await world.engine.events.head()
    status, text = await world.ask("POST", "/api/orders/preview", json={**BODY, "clientOrderId": CLIENT_ID})
    assert status in (200, 503) and world.is_clean(text) and await world.engine.events.head() == before


async def cancel(world: World) -> None:
    """It is another's, and answered like what never was."""
    before = await world.engine.events.head()
    status, text = await world.ask("POST", f"/api/orders/{world.order_id}/cancel")
    assert (status, json.loads(text)["code"]) == (404, "order_not_found") and world.is_clean(text)
    assert (status, text) == await world.ask("POST", f"/api/orders/{uuid4()}/cancel")
    assert await world.engine.events.head() == before


async def amend(world: World) -> None:
    before = await world.engine.events.head()
    for seen in ('"1"', '"2"'):
        answers = [
            await world.engine.http.patch(
                f"/api/orders/{order_id}", json={"amountIn": "2"}, headers={**world.mine, "If-Match": seen}
            )
            for order_id in (world.order_id, uuid4())
        ]
        assert [one.json()["code"] for one in answers] == ["order_not_found"] * 2
        assert answers[0].content == answers[1].content and world.is_clean(answers[0].text)
    assert await world.engine.events.head() == before


async def deadman(world: World) -> None:
    """Each account has its own."""
    mine, theirs = "2030-01-01T00:00:00.000Z", "2031-01-01T00:00:00.000Z"
    set_ = await world.engine.http.put("/api/deadman", json={"cancelAt": theirs}, headers=world.theirs)
    assert set_.status_code == 200
    status, text = await world.ask("GET", "/api/deadman")
    assert (status, json.loads(text)) == (200, {"cancelAt": None, "state": "off"})
    status, text = await world.ask("PUT", "/api/deadman", json={"cancelAt": mine})
    assert (status, json.loads(text)["cancelAt"]) == (200, mine)
    found = await world.engine.http.get("/api/deadman", headers=world.theirs)
    assert found.json()["cancelAt"] == theirs


async def cancel_many(world: World) -> None:
    before = await world.engine.events.head()
    status, text = await world.ask("POST", "/api/orders/cancel", json={"ids": [world.order_id]})
    assert status == 207 and json.loads(text)["items"][0]["problem"]["code"] == "order_not_found"
    status, text = await world.ask("POST", "/api/orders/cancel", json={"clientOrderIds": [CLIENT_ID, "second"]})
    assert [item["problem"]["code"] for item in json.loads(text)["items"]] == ["order_not_found"] * 2
    assert world.is_clean(text.replace(CLIENT_ID, ""))
    for asked in ({"all": True}, {"pair": "SOL/USDC"}):
        status, text = await world.ask("POST", "/api/orders/cancel", json=asked)
        assert (status, json.loads(text)["items"]) == (207, [])
    assert await world.engine.events.head() == before


async def network(world: World) -> None:
    status, text = await world.ask("GET", "/api/network")
    assert status == 200 and "wallet-of-attacker" in text and world.is_clean(text)


async def venues(world: World) -> None:
    """How venues stand is the same for all."""
    status, text = await world.ask("GET", "/api/venues")
    assert status == 200 and world.is_clean(text)


async def account(world: World) -> None:
    status, text = await world.ask("GET", "/api/account")
    assert status == 200 and json.loads(text)["name"] == "attacker" and world.is_clean(text)


async def pairs(world: World) -> None:
    """Without a chain no price can be told, and so not what waits for one; that is counted for the caller alone."""
    for path in ("/api/pairs", "/api/pairs/SOL-USDC", "/api/pairs/SOL/USDC"):
        _, text = await world.ask("GET", path)
        assert world.is_clean(text)
    await world.engine.http.get("/api/orders", params={"position": world.position}, headers=world.theirs)
    waiting = RestingOrders(world.engine.pool)
    counts = [
        (await waiting.on(account_id_of(name), [pair_of(SOL, USDC)]))[0]["sell"].orders
        for name in ("attacked", "attacker")
    ]
    assert counts == [1, 0]


OCO = {"kind": "oco", "clientListId": "secret-list", "legs": [LIMIT, {**LIMIT, "limitPrice": "887.65"}]}


async def submit_list(world: World) -> None:
    """The same client list id is another list, with other orders too."""
    theirs = await world.engine.http.post("/api/order-lists", json=OCO, headers=world.theirs)
    status, text = await world.ask("POST", "/api/order-lists", json={**OCO, "legs": OCO["legs"][::-1]})
    assert (theirs.status_code, status) == (202, 202)
    assert not {json.loads(text)["listId"], *json.loads(text)["orderIds"]} & {
        theirs.json()["listId"],
        *theirs.json()["orderIds"],
    }


async def one_list(world: World) -> None:
    """Another's list is answered like what never was, and a cancel of it changes nothing."""
    theirs = (await world.engine.http.post("/api/order-lists", json=OCO, headers=world.theirs)).json()
    head = await world.engine.events.head()
    for method, path in (("GET", "/api/order-lists/{}"), ("POST", "/api/order-lists/{}/cancel")):
        status, text = await world.ask(method, path.format(theirs["listId"]))
        assert (status, json.loads(text)["code"]) == (404, "list_not_found")
        assert (status, text) == await world.ask(method, path.format(uuid4()))
    assert await world.engine.events.head() == head


TWAP = {"kind": "twap", "clientListId": "secret-twap", "order": LIMIT, "slices": 2, "everyMs": 3_000}


async def _their_twap(world: World) -> str:
    answer = await world.engine.http.post("/api/order-lists", json=TWAP, headers=world.theirs)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["listId"])


async def submit_twap(world: World) -> None:
    """The same client list id is another list, with other terms too."""
    theirs = await _their_twap(world)
    status, text = await world.ask("POST", "/api/order-lists", json={**TWAP, "slices": 3})
    assert status == 202 and json.loads(text)["listId"] != theirs


async def one_twap(world: World) -> None:
    """Another's list is answered like what never was, and nobody else pauses, resumes or cancels it."""
    theirs = await _their_twap(world)
    head = await world.engine.events.head()
    for method, path in (("GET", ""), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/cancel")):
        status, text = await world.ask(method, f"/api/order-lists/{theirs}{path}")
        assert (status, json.loads(text)["code"]) == (404, "list_not_found")
        assert (status, text) == await world.ask(method, f"/api/order-lists/{uuid4()}{path}")
    await world.ask("POST", "/api/orders/cancel", json={"all": True})
    assert await world.engine.events.head() == head
    status, text = await world.ask("GET", "/api/orders", params={"parentId": theirs})
    assert (status, json.loads(text)["items"]) == (200, [])


async def list_stream(world: World) -> None:
    path = f"{world.engine.ws}/ws/order-lists/{await _their_twap(world)}"
    async with connect(path, additional_headers=world.mine) as socket:
        with pytest.raises(ConnectionClosed) as closed:
            async with asyncio.timeout(10):
                await socket.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 4404


async def list_upgrade(world: World) -> None:
    status, text = await world.ask("GET", f"/ws/order-lists/{await _their_twap(world)}")
    assert status == 426 and world.is_clean(text)


async def stream(world: World) -> None:
    for query in ("", "?events=true", "?after=1"):
        async with connect(
            f"{world.engine.ws}/ws/orders/{world.order_id}{query}", additional_headers=world.mine
        ) as socket:
            with pytest.raises(ConnectionClosed) as closed:
                async with asyncio.timeout(10):
                    await socket.recv()
            assert closed.value.rcvd is not None and closed.value.rcvd.code == 4404


async def upgrade(world: World) -> None:
    status, text = await world.ask("GET", f"/ws/orders/{world.order_id}")
    assert status == 426 and world.is_clean(text)


async def nothing(world: World) -> None:
    """Told to anybody: ``test_what_anybody_is_told_holds_nothing_of_an_account`` reads it."""


async def refused(world: World) -> None:
    """Another scope: ``test_without_its_scope_no_route_is_answered`` asks it."""


ATTACKS: dict[tuple[str, str], Attack] = {
    ("GET", "/"): nothing,
    ("GET", "/health"): nothing,
    ("GET", "/health/live"): nothing,
    ("GET", "/health/ready"): nothing,
    ("GET", "/metrics"): nothing,
    ("GET", "/api/account"): account,
    ("GET", "/api/network"): network,
    ("GET", "/api/venues"): venues,
    ("GET", "/api/pairs"): pairs,
    ("GET", "/api/pairs/{pair:str}"): pairs,
    ("GET", "/api/pairs/{base:str}/{quote:str}"): pairs,
    ("GET", "/api/orders"): order_list,
    ("GET", "/api/orders/{order_id:str}"): order,
    ("GET", "/api/orders/by-client-id/{client_order_id:str}"): by_client_id,
    ("GET", "/api/orders/{order_id:str}/events"): order_events,
    ("POST", "/api/orders/execute"): execute,
    ("POST", "/api/orders"): submit,
    ("POST", "/api/orders/batch"): batch,
    ("POST", "/api/orders/preview"): preview,
    ("POST", "/api/orders/{order_id:str}/cancel"): cancel,
    ("POST", "/api/orders/cancel"): cancel_many,
    ("PATCH", "/api/orders/{order_id:str}"): amend,
    ("POST", "/api/order-lists"): submit_list,
    ("GET", "/api/order-lists/{list_id:str}"): one_list,
    ("POST", "/api/order-lists/{list_id:str}/cancel"): one_list,
    ("POST", "/api/order-lists/{list_id:str}/pause"): one_twap,
    ("POST", "/api/order-lists/{list_id:str}/resume"): one_twap,
    ("GET", "/ws/order-lists/{list_id:str}"): list_upgrade,
    ("WEBSOCKET", "/ws/order-lists/{list_id:str}"): list_stream,
    ("GET", "/api/deadman"): deadman,
    ("PUT", "/api/deadman"): deadman,
    ("GET", "/ws/orders/{order_id:str}"): upgrade,
    ("WEBSOCKET", "/ws/orders/{order_id:str}"): stream,
    ("POST", "/api/admin/accounts"): refused,
    ("POST", "/api/admin/keys"): refused,
    ("PUT", "/api/admin/trading-state"): refused,
    ("PUT", "/api/admin/accounts/{name:str}/limits"): refused,
    ("DELETE", "/api/admin/keys/{key_id:str}"): refused,
}


def served(app: Litestar) -> dict[tuple[str, str], str | None]:
    """Every method and path with its rule, from the application's own table."""
    found: dict[tuple[str, str], str | None] = {}
    for path, handler in routes(app):
        if isinstance(handler, WebsocketRouteHandler):
            found["WEBSOCKET", path] = rule_of(handler)
        elif isinstance(handler, HTTPRouteHandler):
            found |= {(str(method), path): rule_of(handler) for method in handler.http_methods if method != "HEAD"}
    return found


async def test_every_route_there_is_has_its_attack(world: World) -> None:
    assert served(world.engine.app).keys() == ATTACKS.keys()


# Each once, where it asks several routes.
ATTEMPTS = [attack for attack in dict.fromkeys(ATTACKS.values()) if attack not in (nothing, refused)]


@pytest.mark.parametrize("attack", ATTEMPTS, ids=lambda attack: attack.__name__)
async def test_an_attacker_with_one_key_finds_nothing_of_another_account(world: World, attack: Attack) -> None:
    await attack(world)


async def test_without_its_scope_no_route_is_answered(world: World) -> None:
    """One key for each scope, and every route that asks for another."""
    keys = {}
    for scope in SCOPES:
        made = await world.engine.directory.issue(account_id_of("attacker"), (scope,), None, by="test")
        await known(world.engine, made)
        keys[scope] = bearer(made)
    for (method, path), rule in served(world.engine.app).items():
        if rule == "open" or method == "WEBSOCKET":
            continue
        asked = path
        for name in ("order_id", "list_id", "key_id", "pair", "base", "quote", "client_order_id", "name"):
            asked = asked.replace(f"{{{name}:str}}", world.order_id)
        for scope in SCOPES:
            answer = await world.engine.http.request(method, asked, headers=keys[scope])
            assert (answer.status_code == 403) is (scope != rule), (method, path, scope, answer.text)
        bare = await world.engine.http.request(method, asked)
        assert bare.status_code == 401, (method, path)


async def test_what_anybody_is_told_holds_nothing_of_an_account(world: World) -> None:
    for path in ("/health/live", "/health/ready", "/metrics", "/docs/openapi.json"):
        answer = await world.engine.http.get(path)
        assert answer.status_code == 200 and world.is_clean(answer.text), path


def test_a_route_without_a_rule_is_refused_when_the_application_is_made() -> None:
    class Forgotten(Controller):
        @get("/api/forgotten", sync_to_thread=False)
        def forgotten(self) -> str:
            return ""

    with pytest.raises(ValueError, match="/api/forgotten"):
        require_rules(Litestar([Forgotten], openapi_config=None))


async def test_the_key_itself_is_in_no_table(world: World, database: TestDatabase) -> None:
    key = world.theirs["Authorization"].removeprefix("Bearer ")
    with database.connect() as connection:
        tables = connection.execute(
            "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname like 'surefill%'"
        ).fetchall()
        assert len(tables) > 5
        for (table,) in tables:
            rows = connection.execute(f"select t::text from {table} t").fetchall()
            text = "".join(row[0] for row in rows)
            assert key not in text and key.encode().hex() not in text, table
