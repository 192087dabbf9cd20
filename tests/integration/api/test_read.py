"""What clients read back: orders now and then, their events, lists, and the odd paths."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from api.callers.caller import KEYLESS
from chains.wallet import Wallet
from commands.ids import DEFAULT_ACCOUNT
from domain import commands as c
from domain.quotes import Refusal
from domain.tokens import KNOWN_TOKENS
from projections.orders import PROCESSOR
from runtime.preconditions import require_wallet
from tests.integration.api.serving import BODY, CONFIG, MAPPER, Engine, running
from tests.integration.conftest import TestDatabase
from tests.unit.domain.scenario import NOW, build, landing, quote, quoted
from workers.dispatch.work import WorkTable

QUOTES = (quote(224_000_000), quote(223_500_000, "Meteora"), quote(223_000_000, "Orca"))
NOWHERE = c.RecordQuotes((), (Refusal(venue="Raydium", code="no_venue", detail="no pool"),), NOW)
TO_CONFIRMED: tuple[c.OrderCommand, ...] = (quoted(*QUOTES), build(), c.RecordSent(1, "signature-1", "ok"), landing())

ODD = [
    ("GET", "/nowhere", 404, "not_found", None),
    ("DELETE", "/api/orders", 405, "method_not_allowed", None),
    ("GET", "/api/orders/execute", 405, "method_not_allowed", None),
    ("POST", "/ws/orders/01a21ace-5b26-7932-9d6f-fe0e620711a1", 405, "method_not_allowed", None),
    ("GET", "/api/orders/not-an-id", 400, "invalid_order_id", "orderId"),
    ("GET", "/api/orders/%00", 400, "invalid_order_id", "orderId"),
    ("GET", "/api/orders/{01900000-0000-7000-8000-000000000001}", 400, "invalid_order_id", "orderId"),
    ("GET", "/api/orders/01900000-0000-7000-8000-000000000001", 404, "order_not_found", "orderId"),
    ("GET", "/api/orders/01900000-0000-7000-8000-000000000001/events", 404, "order_not_found", "orderId"),
    ("GET", "/api/orders/01900000-0000-7000-8000-000000000001?version=0", 400, "invalid_query", "version"),
    ("GET", "/api/orders/01900000-0000-7000-8000-000000000001?as_of=2026-01-01", 400, "invalid_query", "as_of"),
    ("GET", "/api/orders?until=0.5", 400, "invalid_query", "until"),
    ("GET", "/api/orders?since=2026-01-01T00:00:00", 400, "invalid_query", "since"),
    ("GET", "/api/orders?limit=201", 400, "invalid_query", "limit"),
    ("GET", "/api/orders?limit=ten", 400, "invalid_query", "limit"),
    ("GET", "/api/orders?status=done", 400, "invalid_query", "status"),
    ("GET", "/api/orders?cursor=%C3%A4", 400, "invalid_query", "cursor"),
    ("GET", "/api/orders?position=-1", 400, "invalid_query", "position"),
    ("GET", "/api/orders?position=1.6%0A", 400, "invalid_query", "position"),
    ("GET", f"/api/orders?parentId={'0' * 40}", 400, "invalid_query", "parentId"),
    ("GET", "/api/orders?=1", 400, "invalid_query", None),
    # A misspelt filter would filter nothing.
    ("GET", "/api/orders?stauts=pending", 400, "invalid_query", "stauts"),
    ("GET", "/api/orders?status=pending&status=confirmed", 400, "invalid_query", "status"),
    ("GET", "/api/orders/01900000-0000-7000-8000-000000000001?asOf=2026-01-01T00:00:00Z", 400, "invalid_query", "asOf"),
    ("POST", "/api/orders/cancel?pair=SOL/USDC", 400, "invalid_query", "pair"),
    ("DELETE", "/api/orders?all=true", 405, "method_not_allowed", None),
    ("GET", "/ws/orders/01900000-0000-7000-8000-000000000001", 426, "upgrade_required", None),
    ("GET", "/ws/orders/01900000-0000-7000-8000-000000000001?after=3&events=true", 426, "upgrade_required", None),
    ("GET", "/ws/orders/01900000-0000-7000-8000-000000000001?since=3", 400, "invalid_query", "since"),
]


async def test_an_order_can_be_read_as_it_was_at_each_version_and_instant(engine: Engine) -> None:
    order = (await engine.submit())["links"]["order"]
    await engine.tell(order.rpartition("/")[2], TO_CONFIRMED[0])
    await asyncio.sleep(0.01)  # instants are shown to the millisecond: the next event's is another
    await engine.tell(order.rpartition("/")[2], *TO_CONFIRMED[1:])
    statuses = [(await engine.http.get(order, params={"version": n})).json()["status"] for n in range(1, 7)]
    assert statuses == ["pending", "routing", "building", "building", "submitted", "confirmed"]
    events = (await engine.http.get(f"{order}/events")).json()
    assert [event["version"] for event in events["items"]] == [1, 2, 3, 4, 5, 6]
    assert events["next"] is None
    then = events["items"][2]["recordedAt"]
    at_third = (await engine.http.get(order, params={"as_of": then.replace("Z", "999+00:00")})).json()
    assert (at_third["version"], at_third["status"]) == (3, "building")
    before = await engine.http.get(order, params={"as_of": "2020-01-01T00:00:00Z"})
    assert (before.status_code, before.json()["code"]) == (404, "not_yet_submitted")
    beyond = await engine.http.get(order, params={"version": 7})
    assert (beyond.status_code, beyond.json()["code"]) == (404, "version_not_found")


async def test_the_events_tell_the_whole_story_without_the_signed_bytes(engine: Engine) -> None:
    order = (await engine.submit())["links"]["order"]
    await engine.tell(order.rpartition("/")[2], *TO_CONFIRMED)
    first = (await engine.http.get(f"{order}/events", params={"limit": 4})).json()
    rest = (await engine.http.get(f"{order}/events", params={"limit": 4, "cursor": first["next"]})).json()
    events = [*first["items"], *rest["items"]]
    assert [event["type"] for event in events] == [
        "OrderSubmitted",
        "OrderTriggered",
        "OrderRouted",
        "TransactionBuilt",
        "TransactionSubmitted",
        "OrderConfirmed",
    ]
    assert rest["next"] is None
    assert events[2]["data"]["quotes"] == [one.model_dump(mode="json", by_alias=True) for one in QUOTES]
    assert events[3]["data"]["signature"] == "signature-1"
    assert "transaction" not in events[3]["data"]
    assert events[5]["data"]["executedPrice"] == "149.333333333333333"


async def test_a_list_shows_what_it_was_asked_to_wait_for_newest_first_page_by_page(engine: Engine) -> None:
    engine.project()
    accepted = [await engine.submit() for _ in range(5)]
    await engine.tell(accepted[0]["orderId"], NOWHERE)
    newest_first = [one["orderId"] for one in reversed(accepted)]
    params = {"position": accepted[-1]["position"], "limit": 2}
    pages = []
    while "cursor" not in params or params["cursor"]:
        page = (await engine.http.get("/api/orders", params=params)).json()
        pages.append([item["orderId"] for item in page["items"]])
        params["cursor"] = page["next"]
    assert pages == [newest_first[:2], newest_first[2:4], newest_first[4:]]
    one = (await engine.http.get(accepted[1]["links"]["order"])).json()
    assert one in (await engine.http.get("/api/orders")).json()["items"]
    failed = (await engine.http.get("/api/orders", params={"status": "failed", "position": "11"})).json()["items"]
    assert [item["orderId"] for item in failed] == newest_first[4:]


async def test_a_list_that_cannot_catch_up_says_so_and_an_order_is_never_behind(database: TestDatabase) -> None:
    async with running(database.app, config=replace(CONFIG, position_patience=0.1)) as engine:
        accepted = await engine.submit()
        behind = await engine.http.get("/api/orders", params={"position": accepted["position"]})
        assert (behind.status_code, behind.json()["code"]) == (503, "projection_behind")
        assert behind.headers["retry-after"] == "1"
        beyond = await engine.http.get("/api/orders", params={"position": "999"})
        assert (beyond.status_code, beyond.json()["code"]) == (400, "invalid_query")
        assert (await engine.http.get(accepted["links"]["order"])).status_code == 200


async def test_another_accounts_order_does_not_exist(database: TestDatabase) -> None:
    other = replace(KEYLESS, account_id=uuid4())
    async with running(database.app) as mine, running(database.app, keyless=other) as theirs:
        mine.project()
        accepted = await mine.submit()
        for path in (accepted["links"]["order"], accepted["links"]["events"]):
            assert (await theirs.http.get(path)).json()["code"] == "order_not_found"
        position = {"position": accepted["position"]}
        assert (await theirs.http.get("/api/orders", params=position)).json() == {"items": [], "next": None}
        assert len((await mine.http.get("/api/orders", params=position)).json()["items"]) == 1


async def test_an_odd_request_is_a_problem_with_its_code(engine: Engine) -> None:
    for method, path, status, code, field in ODD:
        answer = await engine.http.request(method, path)
        body = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert (path, answer.status_code, body["code"], body.get("field")) == (path, status, code, field)
        assert status != 405 or all(method.isupper() for method in answer.headers["allow"].split(", "))


async def test_head_says_what_get_says_without_its_content(engine: Engine) -> None:
    order = (await engine.submit())["links"]["order"]
    for path, status in ((order, 200), ("/health/live", 200), ("/api/orders/not-an-id", 400), ("/nowhere", 404)):
        asked, told = await engine.http.head(path), await engine.http.get(path)
        assert (asked.status_code, asked.content, told.status_code) == (status, b"", status)
        for name in ("content-type", "content-length", "etag"):
            assert asked.headers.get(name) == told.headers.get(name)
    refused = await engine.http.head("/api/orders/execute")
    assert (refused.status_code, refused.headers["allow"]) == (405, "OPTIONS, POST")
    assert (await engine.http.options("/api/orders")).headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert (await engine.http.post("/api/venues")).headers["allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("name", ["Idempotency-Key", "If-Match", "Surefill-Expires-After"])
async def test_a_header_that_is_there_twice_is_refused(engine: Engine, name: str) -> None:
    answer = await engine.http.post("/api/orders/execute", headers=[(name, '"1"'), (name, '"2"')], json={})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "bad_request", name)


@pytest.mark.parametrize("path", ["/api/orders?", "/api/orders?limit=1", "/health/live?probe=1", "/?from=elsewhere"])
async def test_a_query_that_is_none_or_one_to_an_open_path_is_taken(engine: Engine, path: str) -> None:
    assert (await engine.http.get(path, follow_redirects=True)).status_code == 200


async def test_the_network_names_tokens_and_the_wallet_once_it_is_bound(engine: Engine, tmp_path: Path) -> None:
    assert "wallet" not in (await engine.http.get("/api/network")).json()
    Wallet.create(tmp_path / "wallet.json")
    wallet = await require_wallet(engine.pool, MAPPER, "genesis", tmp_path / "wallet.json")
    network = (await engine.http.get("/api/network")).json()
    assert network["tokens"] == [token.model_dump() for token in KNOWN_TOKENS.tokens]
    del network["tokens"]
    assert network == {
        "network": "localnet",
        "rpcUrl": "http://127.0.0.1:8899",
        "wallet": wallet.address,
        # No node has answered here: see test_pairs.py for what one tells.
        "pairs": [],
        "venues": [],
    }


async def test_health_is_what_its_checks_say_and_metrics_count_by_route(engine: Engine) -> None:
    assert (await engine.http.get("/health/live")).json() == {"status": "alive"}
    assert (await engine.http.get("/health/ready")).json()["status"] == "ready"
    engine.checks["valkey"] = "no answer"
    degraded = await engine.http.get("/health/ready")
    assert (degraded.status_code, degraded.json()["status"]) == (200, "degraded")
    assert {"name": "valkey", "ok": False, "reason": "no answer"} in degraded.json()["checks"]
    await engine.http.get("/api/orders/01900000-0000-7000-8000-000000000001")
    metrics = await engine.http.get("/metrics")
    assert metrics.headers.get_list("content-type") == ["text/plain; version=1.0.0; charset=utf-8"]
    assert 'surefill_http_requests_total{method="GET",route="/api/orders/{order_id}",status="404"}' in metrics.text


async def test_what_is_not_known_of_a_live_attempt_is_said_with_the_order(
    engine: Engine, database: TestDatabase
) -> None:
    order = (await engine.submit())["links"]["order"]
    order_id = order.rpartition("/")[2]
    await engine.tell(order_id, *TO_CONFIRMED[:-1])
    assert "uncertainty" not in (await engine.http.get(order)).json()
    await WorkTable(engine.pool, written_by=PROCESSOR).record_uncertainty(
        UUID(order_id), 1, "no node answers", permanent=False
    )
    said = (await engine.http.get(order)).json()
    assert said["status"] == "submitted"
    told = said["uncertainty"]
    assert (told["attempt"], told["reason"], told["resolvable"]) == (1, "no node answers", False)
    assert told["since"] <= told["checkedAt"]
    await engine.tell(order_id, TO_CONFIRMED[-1])
    assert "uncertainty" not in (await engine.http.get(order)).json()


async def test_an_order_says_whether_the_rent_of_its_guard_has_come_back(engine: Engine) -> None:
    order = (await engine.submit(clientOrderId="r-1"))["links"]["order"]
    order_id = order.rpartition("/")[2]
    await engine.tell(order_id, *TO_CONFIRMED)
    fee = (await engine.http.get(order)).json()["fee"]
    assert (fee["guardRentLamports"], fee["guardRentReturned"]) == ("2039280", False)
    newest = await engine.http.get(order, params={"version": 6})
    repeat = {**BODY, "clientOrderId": "r-1"}
    waited = await engine.http.post("/api/orders", json=repeat, headers={"Prefer": "wait=5"})
    assert waited.status_code == 200 and newest.json()["fee"] == waited.json()["fee"] == fee
    # Of an order as it was nobody says what has happened since.
    then = await engine.http.get(order, params={"as_of": datetime.now(UTC).isoformat()})
    assert then.json()["fee"] == {name: value for name, value in fee.items() if name != "guardRentReturned"}
    async with engine.pool.connection() as connection:
        await connection.execute(
            "insert into guards (order_id, account_id, since, lamports, largest, reclaim, returned)"
            " values (%s, %s, now(), 2039280, 21, %s, true)",
            [order_id, DEFAULT_ACCOUNT, uuid4()],
        )
    assert (await engine.http.get(order)).json()["fee"]["guardRentReturned"] is True
    engine.project()
    position = (await engine.submit())["position"]
    listed = (await engine.http.get("/api/orders", params={"position": position})).json()["items"]
    assert [one.get("fee", {}).get("guardRentReturned") for one in listed] == [None, True]


async def test_options_names_every_method_that_the_document_has_of_a_path(engine: Engine) -> None:
    paths = (await engine.http.get("/docs/openapi.json")).json()["paths"]
    for path, item in paths.items():
        documented = {method.upper() for method in item} & {"GET", "PUT", "POST", "PATCH", "DELETE"}
        answer = await engine.http.options(re.sub(r"{\w+}", str(UUID(int=7)), path))
        assert answer.status_code == 204, path
        assert set(answer.headers["allow"].split(", ")) - {"OPTIONS", "HEAD"} == documented, path
