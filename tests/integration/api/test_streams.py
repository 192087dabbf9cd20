"""The WebSocket: every change once and in order, whenever one connects."""

from __future__ import annotations

import asyncio
import gc
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from litestar import WebSocket
from prometheus_client import REGISTRY
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.server import ServerProtocol

from api.callers.caller import KEYLESS
from api.delivery import Delivery
from api.serving.protocol import LimitedProtocol
from api.serving.websocket import WebSocketProtocol
from domain import commands as c
from projections.followed_order import Follower
from tests.integration.api.serving import Engine, running
from tests.integration.api.test_read import NOWHERE, TO_CONFIRMED
from tests.integration.conftest import TestDatabase
from tests.unit.domain.scenario import NOW, build, evidence, landing, quote, quoted

CUT_OFF = "surefill_live_too_slow_total"
STATUSES = ["pending", "routing", "building", "submitted", "confirmed"]

IMPOSSIBLE = [
    ("not-an-id", "", 4400),
    ("01900000-0000-7000-8000-000000000001", "", 4404),
    (None, "?after=-1", 4400),
    (None, "?after=two", 4400),
    (None, "?after=3", 4400),
    (None, "?events=perhaps", 4400),
    (None, "?since=0", 4400),
    (None, "?after=0&after=1", 4400),
    # More bytes than a close has room for.
    (None, f"?{'%F0%9F%98%80' * 40}=1", 4400),
]


async def told(socket: ClientConnection) -> tuple[list[dict[str, Any]], int | None]:
    """Everything until the socket is closed, and its close code."""
    messages = []
    try:
        async with asyncio.timeout(10):
            while True:
                messages.append(json.loads(await socket.recv()))
    except ConnectionClosed as closed:
        return messages, closed.rcvd.code if closed.rcvd else None


async def cut_off(before: float) -> None:
    async with asyncio.timeout(30):
        while (REGISTRY.get_sample_value(CUT_OFF) or 0) <= before:
            await asyncio.sleep(0.02)


async def stream(engine: Engine, order_id: str, query: str = "") -> tuple[list[dict[str, Any]], int | None]:
    async with connect(f"{engine.ws}/ws/orders/{order_id}{query}") as socket:
        return await told(socket)


async def test_a_client_there_from_the_start_one_midway_and_one_afterwards_see_the_same(engine: Engine) -> None:
    order_id = (await engine.submit())["orderId"]
    early = asyncio.create_task(stream(engine, order_id))
    await engine.tell(order_id, *TO_CONFIRMED[:2])
    midway = asyncio.create_task(stream(engine, order_id))
    await engine.tell(order_id, *TO_CONFIRMED[2:])
    afterwards = await stream(engine, order_id)
    assert await early == await midway == afterwards
    messages, code = afterwards
    assert code == 1000
    assert [message["status"] for message in messages] == STATUSES
    assert [message["sequence"] for message in messages] == [1, 2, 3, 5, 6]
    assert [message.get("dex") for message in messages] == [None, None, "Raydium", "Raydium", "Raydium"]
    assert [message.get("txHash") for message in messages] == [None] * 3 + ["signature-1"] * 2
    assert messages[-1] == {
        "orderId": order_id,
        "sequence": 6,
        "status": "confirmed",
        "timestamp": messages[-1]["timestamp"],
        "dex": "Raydium",
        "txHash": "signature-1",
        "executedPrice": "149.333333333333333",
        "network": "localnet",
    }


async def test_closed_sockets_are_gone_without_the_garbage_collector(engine: Engine) -> None:
    """It stops the whole process for as long as it takes to find them."""
    order_id = (await engine.submit())["orderId"]
    await engine.tell(order_id, *TO_CONFIRMED)
    resting = (await engine.submit(clientOrderId="rests", type="limit", limitPrice="900"))["orderId"]
    gc.collect()
    gc.disable()
    before = len(_of_sockets())  # our client's own connections among them
    try:
        for _ in range(3):
            assert (await stream(engine, order_id))[1] == 1000
            async with connect(f"{engine.ws}/ws/orders/{resting}") as socket:
                await socket.recv()
        async with asyncio.timeout(10):
            while len(left := _of_sockets()) > before:
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(Counter(type(one).__name__ for one in left)) from None
    finally:
        gc.enable()


def _of_sockets() -> list[object]:
    kinds = (WebSocketProtocol, LimitedProtocol, ServerProtocol, WebSocket, Delivery, Follower)
    return [one for one in gc.get_objects() if issubclass(type(one), kinds)]


async def said(engine: Engine, order_id: str, query: str = "") -> list[str | bytes]:
    """Every message as it came over the wire, until the order has ended."""
    frames = []
    async with connect(f"{engine.ws}/ws/orders/{order_id}{query}") as socket, asyncio.timeout(20):
        async for frame in socket:
            frames.append(frame)
    return frames


async def shown(gauge: str, value: float) -> None:
    async with asyncio.timeout(20):
        while REGISTRY.get_sample_value(gauge) != value:
            await asyncio.sleep(0.01)


def made() -> float:
    return REGISTRY.get_sample_value("surefill_live_messages_made_total") or 0


@pytest.mark.parametrize("events", [False, True])
async def test_all_sockets_of_an_order_get_the_same_bytes_and_each_message_is_made_once(
    engine: Engine, events: bool
) -> None:
    query, before = f"?events={events}", made()
    order_id = (await engine.submit())["orderId"]
    many = [asyncio.create_task(said(engine, order_id, query)) for _ in range(20)]
    await shown("surefill_live_subscriptions", 20)
    await engine.tell(order_id, *TO_CONFIRMED)
    live = await asyncio.gather(*many)
    assert len(live[0]) == (6 if events else 5)
    assert all(frames == live[0] for frames in live)
    assert made() - before == len(live[0])
    # The order has ended and all have gone, so it is folded anew, to the same bytes.
    await shown("surefill_live_orders", 0)
    assert await said(engine, order_id, f"{query}&after=0") == live[0]
    assert made() - before == 2 * len(live[0])


async def test_a_history_longer_than_memory_is_whole_for_who_asks_for_it(engine: Engine) -> None:
    order_id = (await engine.submit())["orderId"]
    early = asyncio.create_task(said(engine, order_id, "?events=true"))
    await append_rounds(engine, order_id, 150, "z")
    midway = asyncio.create_task(said(engine, order_id, "?events=true"))
    await append_rounds(engine, order_id, 20, "z")
    await engine.tell(order_id, c.GiveUp("deadline_passed", "late", datetime(2100, 1, 1, tzinfo=UTC)))
    whole = await said(engine, order_id, "?events=true")
    assert [json.loads(frame)["sequence"] for frame in whole] == list(range(1, 344))
    assert await early == whole
    assert await midway == whole


async def test_a_socket_may_know_more_than_this_process_has_heard(engine: Engine, database: TestDatabase) -> None:
    order_id = (await engine.submit())["orderId"]
    async with running(database.app) as other, connect(f"{engine.ws}/ws/orders/{order_id}") as early:
        assert json.loads(await early.recv())["sequence"] == 1
        await other.tell(order_id, *TO_CONFIRMED[:2])
        # Nothing wakes this process: it looks 75 ms later.
        resumed, beyond = stream(engine, order_id, "?after=4"), stream(engine, order_id, "?after=5")
        following, refused = asyncio.create_task(resumed), asyncio.create_task(beyond)
        assert await refused == ([], 4400)
        await other.tell(order_id, *TO_CONFIRMED[2:])
        assert [message["sequence"] for message in (await following)[0]] == [5, 6]
        assert [message["sequence"] for message in (await told(early))[0]] == [2, 3, 5, 6]


async def test_a_stream_runs_to_confirmed_with_every_projector_stopped(engine: Engine) -> None:
    assert engine.projecting is None
    order_id = (await engine.submit())["orderId"]
    async with connect(f"{engine.ws}/ws/orders/{order_id}") as socket:
        await engine.tell(order_id, *TO_CONFIRMED)
        messages, code = await told(socket)
    assert ([message["status"] for message in messages], code) == (STATUSES, 1000)


async def test_every_event_is_sent_when_asked_for_and_after_resumes(engine: Engine) -> None:
    order_id = (await engine.submit())["orderId"]
    await engine.tell(order_id, *TO_CONFIRMED)
    events, code = await stream(engine, order_id, "?events=true")
    assert code == 1000
    assert [event["sequence"] for event in events] == [1, 2, 3, 4, 5, 6]
    assert events[3]["type"] == "TransactionBuilt"
    assert "transaction" not in events[3]["data"]
    listed = (await engine.http.get(f"/api/orders/{order_id}/events")).json()["items"]
    assert [event["data"] for event in events] == [event["data"] for event in listed]
    for after in range(8):
        assert (await stream(engine, order_id, f"?events=true&after={after}")) == (events[after:], 1000)


async def test_what_changed_between_two_versions_does_not_depend_on_where_a_client_resumes(engine: Engine) -> None:
    order_id = (await engine.submit())["orderId"]
    await engine.tell(order_id, *TO_CONFIRMED)
    # Version 4 is building like version 3: it is no change, also for one who has not been told of 3 here.
    messages, _ = await stream(engine, order_id, "?after=3")
    assert [message["sequence"] for message in messages] == [5, 6]


async def test_a_retry_shows_routing_again(engine: Engine) -> None:
    order_id = (await engine.submit())["orderId"]
    sent = c.RecordSent(1, "signature-1", "ok")
    await engine.tell(order_id, quoted(quote()), build(), sent, c.RecordExpiry(1, evidence(), NOW))
    again = (quoted(quote(venue="Orca")), build(2), c.RecordSent(2, "signature-2", "ok"), landing(2))
    await engine.tell(order_id, *again)
    messages, _ = await stream(engine, order_id)
    assert [message["status"] for message in messages] == [*STATUSES[:4], "routing", *STATUSES[2:]]
    assert [message["txHash"] for message in messages if "txHash" in message][-2:] == ["signature-2", "signature-2"]


async def test_a_failure_is_told_with_its_reason_and_ends_the_stream(engine: Engine) -> None:
    order_id = (await engine.submit())["orderId"]
    await engine.tell(order_id, NOWHERE)
    messages, code = await stream(engine, order_id)
    assert code == 1000
    assert messages[-1]["status"] == "failed"
    assert messages[-1]["failure"] == {"code": "no_venue", "detail": "No venue trades this pair.", "retryable": False}


async def test_a_stream_that_cannot_be_says_why_by_its_close_code(engine: Engine) -> None:
    known = (await engine.submit())["orderId"]
    for order_id, query, code in IMPOSSIBLE:
        assert await stream(engine, order_id or known, query) == ([], code)


async def test_another_accounts_order_has_no_stream(database: TestDatabase) -> None:
    async with (
        running(database.app) as mine,
        running(database.app, keyless=replace(KEYLESS, account_id=uuid4())) as theirs,
    ):
        order_id = (await mine.submit())["orderId"]
        assert await stream(theirs, order_id) == ([], 4404)


async def append_rounds(engine: Engine, order_id: str, count: int, log_line: str) -> None:
    """``count`` times the two events of a build that was rejected, each on the history that the one before left."""
    history = (await engine.orders.load([UUID(order_id)])).orders[UUID(order_id)]
    for _ in range(count):
        history = await engine.orders.execute(history, quoted(quote()))
        history = await engine.orders.execute(history, c.RejectBuild("program_error", "x", (log_line,), NOW))


async def fed(engine: Engine) -> None:
    """Return once the live feed has handed out all that the log holds."""
    async with engine.pool.connection() as connection:
        [(head,)] = await (await connection.execute("select position from log_head")).fetchall()
    async with asyncio.timeout(30):
        while (REGISTRY.get_sample_value("surefill_live_position") or 0) < head:
            await asyncio.sleep(0.02)


async def test_a_client_that_does_not_read_is_cut_off_once_256_events_wait_for_it_and_can_resume(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a slow machine the patience for one send would end the stream before its queue is full.
    monkeypatch.setattr("api.sockets.SEND_PATIENCE", 120.0)
    order_id = (await engine.submit())["orderId"]
    before = REGISTRY.get_sample_value(CUT_OFF) or 0
    # Nothing is read until the end, and the first events are larger than all buffers between, those that grow too.
    async with connect(f"{engine.ws}/ws/orders/{order_id}?events=true", max_queue=1, compression=None) as socket:
        # Once the second message is read the stream is live: what follows comes by the queue.
        known = [json.loads(await socket.recv()) for _ in range(2)]
        await append_rounds(engine, order_id, 30, "y" * 400_000)
        await append_rounds(engine, order_id, 97, "z")
        await fed(engine)
        # 254 events after those that were read: all of them may wait.
        assert (REGISTRY.get_sample_value(CUT_OFF) or 0) == before
        # Some of the first 60 are on their way, in buffers; these are more than 256 without them.
        await append_rounds(engine, order_id, 32, "z")
        await cut_off(before)
        messages, code = await told(socket)
    assert code == 4408
    seen = [message["sequence"] for message in known + messages]
    assert seen == list(range(1, len(seen) + 1))
    await engine.tell(order_id, c.GiveUp("deadline_passed", "late", datetime(2100, 1, 1, tzinfo=UTC)))
    rest, code = await stream(engine, order_id, f"?events=true&after={seen[-1]}")
    assert code == 1000
    assert [message["sequence"] for message in rest] == list(range(seen[-1] + 1, 322))


async def test_what_a_client_says_is_ignored_and_its_leaving_is_noticed(engine: Engine) -> None:
    order_id = (await engine.submit())["orderId"]
    async with connect(f"{engine.ws}/ws/orders/{order_id}") as socket:
        await socket.send("hello")
        await socket.send(b"\xff\xfe")
        assert json.loads(await socket.recv())["status"] == "pending"
        await engine.tell(order_id, *TO_CONFIRMED)
        assert (await told(socket))[1] == 1000


async def test_a_stopping_server_closes_its_streams_with_1012(database: TestDatabase) -> None:
    async with running(database.app) as engine:
        order_id = (await engine.submit())["orderId"]
        async with connect(f"{engine.ws}/ws/orders/{order_id}") as socket:
            assert json.loads(await socket.recv())["status"] == "pending"
            engine.serving.cancel()
            assert (await told(socket))[1] == 1012
