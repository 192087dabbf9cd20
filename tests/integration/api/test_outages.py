"""PostgreSQL goes away under the API, and comes back."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from uuid import UUID, uuid4

import httpx2
import psycopg
import pytest
from websockets.asyncio.client import connect

from api.server import serve
from commands.ids import DEFAULT_ACCOUNT
from event_store.append.appender import Appender
from event_store.notifier import Notifier
from event_store.types import AppendRequest, NewEvent, Stored
from projections.orders import PROCESSOR
from tests.integration.api.serving import BODY, Engine, running
from tests.integration.api.test_order_lists import OCO
from tests.integration.api.test_read import TO_CONFIRMED
from tests.integration.api.test_streams import STATUSES, stream, told
from tests.integration.api.test_twap import TWAP
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedPostgres, EmbeddedValkey

UNAVAILABLE = {"log_unavailable", "outcome_unknown"}
# Two market orders, OrderSubmitted and OrderTriggered of each.
RECORDED = 4


async def append_from_the_future(url: str, order_id: str) -> None:
    """A third event of a topic that only a newer version knows, as its process would append it."""
    command = uuid4()
    event = NewEvent(
        UUID(order_id), 3, uuid4(), "order.FromTheFuture", b'{"v":1,"data":{}}', DEFAULT_ACCOUNT, command, command, None
    )
    appender = Appender(url)
    await appender.start()
    assert isinstance(await appender.append(AppendRequest((event,))), Stored)
    await appender.stop()


async def ready_again(engine: Engine) -> None:
    deadline = time.monotonic() + 20
    while (await engine.http.get("/health/ready")).status_code != 200:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)


async def accepted_again(engine: Engine) -> dict[str, str]:
    deadline = time.monotonic() + 20
    while (answer := await engine.http.post("/api/orders/execute", json=BODY)).status_code != 202:
        assert answer.json()["code"] in UNAVAILABLE
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    return dict(answer.json())


async def test_an_outage_is_503_and_streams_and_lists_go_on_after_it(
    postgres: EmbeddedPostgres, database: TestDatabase
) -> None:
    async with running(database.app) as engine:
        engine.project()
        order = await engine.submit()
        async with connect(f"{engine.ws}{order['links']['stream']}") as socket:
            first = json.loads(await socket.recv())
            await asyncio.to_thread(postgres.stop, signal.SIGQUIT)
            try:
                # The first may meet the connection that is dying, and then nobody can tell.
                dying = await engine.http.post("/api/orders/execute", json=BODY)
                lost = await engine.http.post("/api/orders/execute", json=BODY)
                read = await engine.http.get(order["links"]["order"])
                ready = await engine.http.get("/health/ready")
                # What is recent is in memory: a socket that comes now is told it, and stays.
                midway = await connect(f"{engine.ws}{order['links']['stream']}")
                recent = [json.loads(await midway.recv()) for _ in ("pending", "routing")]
            finally:
                await asyncio.to_thread(postgres.start)
            await ready_again(engine)
            again = await accepted_again(engine)
            await engine.tell(order["orderId"], *TO_CONFIRMED)
            messages, code = await told(socket)
            rest, end = await told(midway)
        assert (dying.status_code, dying.json()["code"] in UNAVAILABLE) == (503, True)
        assert (lost.status_code, lost.json()["code"]) == (503, "log_unavailable")
        assert lost.headers["retry-after"] == "1"
        assert (read.status_code, read.json()["code"]) == (503, "log_unavailable")
        assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")
        assert ([message["status"] for message in (*recent, *rest)], end) == (STATUSES, 1000)
        # The socket that was open throughout missed nothing.
        assert ([message["status"] for message in (first, *messages)], code) == (STATUSES, 1000)
        listed = await engine.http.get("/api/orders", params={"position": again["position"]})
        listed_ids = [item["orderId"] for item in listed.json()["items"]]
        assert (listed_ids[0], listed_ids[-1]) == (again["orderId"], order["orderId"])


async def test_streams_run_on_and_orders_are_taken_when_valkey_goes(database: TestDatabase) -> None:
    valkey = EmbeddedValkey()
    await asyncio.to_thread(valkey.start)
    notifier = Notifier(valkey.url)
    await notifier.start()
    try:
        async with running(database.app, notifier=notifier) as engine:
            order = await engine.submit()
            async with connect(f"{engine.ws}{order['links']['stream']}") as socket:
                first = json.loads(await socket.recv())
                await asyncio.to_thread(valkey.stop)
                await engine.tell(order["orderId"], *TO_CONFIRMED)
                messages, code = await told(socket)
            assert ([message["status"] for message in (first, *messages)], code) == (STATUSES, 1000)
            await engine.submit()
    finally:
        await notifier.stop()
        await asyncio.to_thread(valkey.stop)


async def test_a_stopping_server_answers_what_it_was_asked_and_then_takes_no_more(database: TestDatabase) -> None:
    """What would have waited for five seconds, for a position or for an order's end, is answered when two are over."""
    async with running(database.app) as engine:
        waiting = {"Prefer": "wait=5"}
        asked = [
            asyncio.create_task(engine.http.get("/api/orders", params={"position": "99"})),
            asyncio.create_task(engine.http.post("/api/orders/execute", json=BODY, headers=waiting)),
            asyncio.create_task(
                engine.http.post("/api/orders/execute", json=BODY, headers={**waiting, "Idempotency-Key": "once"})
            ),
        ]
        while await engine.events.head() < RECORDED:
            await asyncio.sleep(0.02)
        begun = time.monotonic()
        engine.serving.cancel()
        answers = await asyncio.gather(*asked)
        await asyncio.gather(engine.serving, return_exceptions=True)
        assert time.monotonic() - begun < 4
        assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(503, "stopping")] * 3
        assert [answer.json()["retryable"] for answer in answers] == [True, False, True]
        assert [answer.headers.get("retry-after") for answer in answers] == ["1", None, "1"]
        with pytest.raises(httpx2.ConnectError):
            await engine.http.get("/health/live")


async def test_an_append_nobody_can_account_for_is_outcome_unknown(database: TestDatabase) -> None:
    """The append is under way when its connection is cut, again and again, until the patience of 1 s is over."""
    async with running(database.app, outcome_patience=1.0) as engine:
        await engine.submit()
        with psycopg.connect(database.owner, autocommit=False) as blocking:
            blocking.execute("select * from surefill.log_head for update")
            posts = [
                asyncio.create_task(engine.http.post("/api/orders/execute", json={**BODY, **extra}))
                for extra in ({}, {"clientOrderId": "a-1"})
            ]
            while not all(post.done() for post in posts):
                with database.connect(as_owner=True) as killer:
                    killer.execute(
                        "select pg_terminate_backend(pid) from pg_stat_activity"
                        " where usename = 'surefill' and wait_event_type = 'Lock' and datname = current_database()"
                    )
                await asyncio.sleep(0.02)
        unnamed, named = [post.result() for post in posts]
        for answer in (unnamed, named):
            assert (answer.status_code, answer.json()["code"]) == (503, "outcome_unknown")
            assert answer.json()["links"]["order"] == f"/api/orders/{answer.json()['orderId']}"
        assert "retry-after" not in unnamed.headers
        assert named.headers["retry-after"] == "1"


async def test_the_projector_writes_what_the_log_says_and_starts_again_where_it_was(database: TestDatabase) -> None:
    async with running(database.app) as engine:
        engine.project()
        first = await engine.submit()
        await engine.tell(first["orderId"], *TO_CONFIRMED)
        assert (await engine.http.get("/api/orders", params={"position": "6"})).status_code == 200
    async with running(database.app) as engine:
        engine.project()
        second = await engine.submit()
        items = (await engine.http.get("/api/orders", params={"position": second["position"]})).json()["items"]
        assert [item["status"] for item in items] == ["routing", "confirmed"]
        assert items[1] == (await engine.http.get(first["links"]["order"])).json()


async def test_an_order_of_a_newer_version_is_set_aside_and_the_others_are_listed(database: TestDatabase) -> None:
    async with running(database.app) as engine:
        newer = await engine.submit()
        await append_from_the_future(database.app, newer["orderId"])
        engine.project()
        fine = await engine.submit()
        items = (await engine.http.get("/api/orders", params={"position": fine["position"]})).json()["items"]
        assert [item["orderId"] for item in items] == [fine["orderId"], newer["orderId"]]
        assert items[1]["version"] == 2
        unreadable = await engine.http.get(newer["links"]["order"])
        assert (unreadable.status_code, unreadable.json()["code"]) == (409, "order_unreadable")
        assert (await stream(engine, newer["orderId"]))[1] == 1011
        with database.connect() as connection:
            dead_letters = connection.execute("select processor, order_id::text, error from dead_letters").fetchall()
        assert dead_letters == [(PROCESSOR, newer["orderId"], "order.FromTheFuture: UnknownTopicError")]


async def test_a_taken_port_is_an_error_for_who_asked(engine: Engine) -> None:
    with pytest.raises(OSError, match=r"[Aa]ddress already in use"):
        await serve(None, "127.0.0.1", int(engine.url.rpartition(":")[2]))  # type: ignore[arg-type]


async def test_streams_go_on_after_the_log_could_not_be_read_for_any_reason(database: TestDatabase) -> None:
    async with running(database.app) as engine:
        order = await engine.submit()
        with database.connect(as_owner=True) as owner:
            async with connect(f"{engine.ws}{order['links']['stream']}") as socket:
                first = [json.loads(await socket.recv()) for _ in ("pending", "routing")]
                owner.execute("revoke select on events from surefill")
                async with asyncio.timeout(10):
                    while engine.feed.healthy:
                        await asyncio.sleep(0.02)
                owner.execute("grant select on events to surefill")
                await engine.tell(order["orderId"], *TO_CONFIRMED)
                messages, code = await told(socket)
        assert ([message["status"] for message in (*first, *messages)], code) == (STATUSES, 1000)
        async with asyncio.timeout(10):
            while not engine.feed.healthy:
                await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("path", "body"), [("/api/orders", BODY), ("/api/orders/batch", {"orders": [BODY]}), ("/api/order-lists", OCO),
                       ("/api/order-lists", TWAP)],
)  # fmt: skip
async def test_what_an_answer_needs_is_read_before_anything_is_recorded(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, path: str, body: dict[str, object]
) -> None:
    """The epochs that an answer names its position by: where they can't be read nothing is recorded."""

    async def gone(*_: object) -> None:
        raise psycopg.OperationalError("the connection is closed")

    with monkeypatch.context() as outage:
        outage.setattr(type(engine.accounts), "epochs", gone)
        answer = await engine.http.post(path, json=body)
    refused = answer.json()["items"][0]["problem"] if answer.status_code == 207 else answer.json()
    assert (refused["status"], refused["code"]) == (503, "log_unavailable")
    assert await engine.events.head() == 0
    assert (await engine.http.post(path, json=body)).is_success


async def test_an_order_whose_end_can_not_be_read_is_taken(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(*_: object) -> None:
        raise psycopg.OperationalError("the connection is closed")

    posted = asyncio.create_task(engine.http.post("/api/orders", json=BODY, headers={"Prefer": "wait=5"}))
    async with asyncio.timeout(10):
        while await engine.events.head() < 2:
            await asyncio.sleep(0.02)
        [first] = {event.stream_id for event in await engine.events.read(0, 10)}
    monkeypatch.setattr("api.orders.ending.stream_of", gone)
    await engine.tell(str(first), *TO_CONFIRMED)
    answer = await posted
    assert (answer.status_code, answer.json()["orderId"]) == (202, str(first))
