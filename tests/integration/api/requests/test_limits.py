"""A request within limits, over real connections: what hostile clients send, and what they get."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from api.serving.concurrency import at_most
from api.serving.limits import Limits
from api.serving.refusal import Message, Receive, Send
from api.serving.server import server
from api.serving.websocket import WebSocketProtocol

LIMITS = Limits(header_seconds=1.0, body_bytes=20_000, body_seconds=1.5, answer_seconds=1.0)
OK = b"HTTP/1.1 200 OK"
ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
CLOSE = b"\x88\x80\0\0\0\0"  # a WebSocket client's own, without which the server waits for it
LARGE = b"x" * 16_000_000


class Application:
    """Answers with the size of the body; ``/wait`` only once it is let go, ``/large`` with 4 MB."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.asked = 0
        self.hosts: list[bytes] = []

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 1000})
            return
        self.asked += 1
        self.hosts = [value for name, value in scope["headers"] if name == b"host"]
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            size, more = size + len(message["body"]), message["more_body"]
        if scope["path"] == "/wait":
            await self.let_go.wait()
        body = LARGE if scope["path"] == "/large" else str(size).encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


class Served:
    def __init__(self, application: Application, port: int) -> None:
        self.application, self.port = application, port

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def send(self, *parts: bytes, pause: float = 0.0) -> bytes:
        """Everything the server answers to ``parts`` until it closes the connection; they may not all be taken."""
        reader, writer = await self.connect()
        answer = asyncio.create_task(reader.read())
        with contextlib.suppress(ConnectionError):
            for part in parts:
                if answer.done():
                    break
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
        try:
            async with asyncio.timeout(20):
                return await answer
        finally:
            writer.close()

    async def upgrade(self) -> bytes:
        """The answer to a WebSocket's request; the socket is then closed by both sides."""
        reader, writer = await self.connect()
        writer.write(UPGRADE + b"\r\n")
        try:
            async with asyncio.timeout(20):
                answer = await reader.readuntil(b"\r\n\r\n")
                writer.write(CLOSE)
                await reader.read()
                return answer
        finally:
            writer.close()


def problem(answer: bytes) -> tuple[int, str]:
    """Status and code of an answer that closed its connection."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head, answer
    assert b"connection: close" in head.lower()
    document: dict[str, Any] = json.loads(body)
    assert int(head.split()[1]) == document["status"]
    return document["status"], document["code"]


@contextlib.asynccontextmanager
async def serving(limits: Limits = LIMITS, *, at_once: int = 10) -> AsyncIterator[Served]:
    application = Application()
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        running = server(at_most(application, at_once), limits, lifespan="off", ws=WebSocketProtocol, date_header=False)
        task = asyncio.create_task(running.serve(sockets=[listener]))
        try:
            yield Served(application, listener.getsockname()[1])
        finally:
            running.force_exit = True
            running.stop()
            await task


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving() as served:
        yield served


async def test_a_header_without_end_is_refused_once_it_is_too_long(served: Served) -> None:
    sent = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "
    assert problem(await served.send(sent, *[b"a" * 10_000] * 300)) == (431, "headers_too_large")
    assert problem(await served.send(b"GET /", *[b"a" * 10_000] * 300)) == (431, "headers_too_large")
    assert served.application.asked == 0


async def test_headers_that_come_whole_in_one_piece_are_counted_too(served: Served) -> None:
    long = POST + b"X: " + b"a" * 17_000 + b"\r\nContent-Length: 0\r\n\r\n"
    many = POST + b"X: a\r\n" * 101 + b"Content-Length: 0\r\n\r\n"
    assert problem(await served.send(long)) == (431, "headers_too_large")
    assert problem(await served.send(many)) == (431, "headers_too_large")
    assert problem(await served.send(POST + b"X: a\r\n" * 10_000 + b"\r\n")) == (431, "headers_too_large")
    assert served.application.asked == 0


async def test_headers_within_the_limit_pass_whatever_body_comes_with_them(served: Served) -> None:
    sent = POST + b"Connection: close\r\nX: " + b"a" * 15_000 + b"\r\nContent-Length: 20000\r\n\r\n" + b"b" * 20_000
    answer = await served.send(sent)
    assert answer.startswith(OK)
    assert b"20000" in answer


async def test_an_idle_connection_stays_open_longer_than_common_clients_keep_it(served: Served) -> None:
    reader, writer = await served.connect()
    for pause in (0, 5.5):  # httpx lets a connection go after 5 s: a server that does so, too, loses requests
        await asyncio.sleep(pause)
        writer.write(ASK)
        async with asyncio.timeout(5):
            assert (await reader.readuntil(b"0\r\n\r\n")).startswith(OK)
    writer.close()


async def test_a_request_sent_a_byte_at_a_time_is_given_up(served: Served) -> None:
    assert problem(await served.send(*[bytes([byte]) for byte in ASK], pause=0.05)) == (408, "request_timeout")


async def test_blank_lines_before_a_request_buy_no_time(served: Served) -> None:
    assert problem(await served.send(*[b"\r\n"] * 100, pause=0.05)) == (408, "request_timeout")


async def test_a_connection_that_asks_nothing_is_closed_without_a_word(served: Served) -> None:
    assert await served.send() == b""


async def test_a_second_request_on_a_connection_has_the_same_limits(served: Served) -> None:
    slow = await served.send(ASK, *[bytes([byte]) for byte in ASK], pause=0.05)
    long = await served.send(ASK, ASK[:-2] + b"X: " + b"a" * 20_000, pause=0.05)
    for answer, code in ((slow, b"request_timeout"), (long, b"headers_too_large")):
        assert answer.startswith(OK)
        assert answer.count(b"HTTP/1.1") == 2
        assert code in answer


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(served: Served) -> None:
    assert problem(await served.send(POST + b"Content-Length: 20001\r\n\r\n")) == (413, "body_too_large")
    expecting = POST + b"Expect: 100-continue\r\nContent-Length: 20001\r\n\r\n"
    assert problem(await served.send(expecting)) == (413, "body_too_large")


async def test_a_body_of_chunks_is_counted_with_what_is_around_them(served: Served) -> None:
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    for chunk in (b"2710\r\n" + b"a" * 10_000 + b"\r\n", b"1;x=" + b"a" * 10_000 + b"\r\na\r\n"):
        assert problem(await served.send(chunked, *[chunk] * 100, pause=0.001)) == (413, "body_too_large")
    trailers = [b"0\r\n", *[b"X: " + b"a" * 10_000 + b"\r\n"] * 100]
    assert problem(await served.send(chunked, *trailers, pause=0.001)) == (413, "body_too_large")


async def test_a_body_sent_slowly_is_given_up(served: Served) -> None:
    sent = [POST + b"Content-Length: 100\r\n\r\n", *[b"a"] * 100]
    assert problem(await served.send(*sent, pause=0.05)) == (408, "request_timeout")


async def test_a_refused_request_gives_its_place_back(served: Served) -> None:
    sent = [POST + b"Content-Length: 100\r\n\r\n", *[b"a"] * 100]
    for answer in await asyncio.gather(*(served.send(*sent, pause=0.05) for _ in range(12))):
        assert problem(answer) == (408, "request_timeout")
    assert (await served.send(ASK[:-2] + b"Connection: close\r\n\r\n")).startswith(OK)


async def test_what_cannot_be_read_gets_problem_details(served: Served) -> None:
    for sent in (b"\x16\x03\x01\x02\x00", b"GET / HTTP/9.9\r\n\r\n", b"CONNECT localhost:80 HTTP/1.1\r\n\r\n"):
        assert problem(await served.send(sent)) == (400, "bad_request")


@pytest.mark.parametrize(
    ("target", "hosts"),
    [
        (b"http://localhost/", [b"localhost"]),
        (b"http://evil.example/", [b"localhost", b"evil.example"]),
        (b"HTTP://evil.example", [b"localhost", b"evil.example"]),
        (b"http://localhost@evil.example/", [b"localhost", b"localhost@evil.example"]),
        (b"//evil.example/", [b"localhost"]),
    ],
)
async def test_a_target_that_names_another_host_shows_beside_the_header(
    target: bytes, hosts: list[bytes], served: Served
) -> None:
    sent = b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = await served.send(sent)
    assert answer.startswith((OK, b"HTTP/1.1 400"))
    if answer.startswith(OK):
        assert served.application.hosts == hosts
    else:
        assert len(hosts) == 2


async def test_more_requests_than_may_be_at_work_get_503(served: Served) -> None:
    waiting = ASK.replace(b"GET /", b"GET /wait").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    asked = [asyncio.create_task(served.send(waiting)) for _ in range(10)]
    async with asyncio.timeout(20):
        while served.application.asked < 10:
            await asyncio.sleep(0.01)
    answer = await served.send(ASK[:-2] + b"Connection: close\r\n\r\n")
    assert problem(answer) == (503, "overloaded")
    assert b"retry-after: 1" in answer
    assert b"101 Switching Protocols" in await served.upgrade()
    served.application.let_go.set()
    assert all(answer.startswith(OK) for answer in await asyncio.gather(*asked))
    assert (await served.send(ASK[:-2] + b"Connection: close\r\n\r\n")).startswith(OK)


async def test_who_sends_a_body_slowly_keeps_nobody_out(served: Served) -> None:
    slow = [await served.connect() for _ in range(12)]
    for _, writer in slow:
        writer.write(POST + b"Content-Length: 100\r\n\r\na")
    await asyncio.sleep(0.1)
    assert (await served.send(ASK[:-2] + b"Connection: close\r\n\r\n")).startswith(OK)
    for _, writer in slow:
        writer.close()


async def test_the_request_of_a_websocket_has_the_same_limits(served: Served) -> None:
    assert b"101 Switching Protocols" in await served.upgrade()
    assert problem(await served.send(UPGRADE + b"X: a\r\n" * 200 + b"\r\n")) == (431, "headers_too_large")
    assert problem(await served.send(UPGRADE + b"X: " + b"a" * 9_000 + b"\r\n\r\n")) == (431, "headers_too_large")
    assert problem(await served.send(UPGRADE, *[b"a" * 10_000] * 100)) == (431, "headers_too_large")
    assert problem(await served.send(*[bytes([byte]) for byte in UPGRADE], pause=0.05)) == (408, "request_timeout")


async def test_a_websocket_request_that_its_library_cannot_read_is_not_left_open(served: Served) -> None:
    assert problem(await served.send(UPGRADE + b"X: a\x80b\x01\r\n\r\n")) == (400, "bad_request")


async def test_a_request_behind_one_that_takes_long_is_not_called_slow(served: Served) -> None:
    reader, writer = await served.connect()
    writer.write(ASK.replace(b"GET /", b"GET /wait") + ASK + ASK[:10])
    await asyncio.sleep(1.5)
    served.application.let_go.set()
    writer.write(ASK[10:])
    answers = await asyncio.wait_for(reader.read(300), 20)
    while answers.count(OK) < 3:
        part = await asyncio.wait_for(reader.read(300), 20)
        assert part, answers
        answers += part
    writer.close()


async def test_no_more_than_a_few_requests_wait_on_a_connection(served: Served) -> None:
    reader, writer = await served.connect()
    writer.write(ASK.replace(b"GET /", b"GET /wait") + ASK * 200)
    assert await asyncio.wait_for(reader.read(), 20) == b""
    writer.close()


async def test_an_answer_that_nobody_reads_ends_the_connection(served: Served) -> None:
    with socket.socket() as client:
        # Else both kernels together may hold the answer whole.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        client.connect(("127.0.0.1", served.port))
        client.sendall(ASK.replace(b"GET /", b"GET /large"))
        await asyncio.sleep(2.5)
        client.setblocking(False)
        received = 0
        with contextlib.suppress(ConnectionError, BlockingIOError):
            while part := client.recv(1 << 20):
                received += len(part)
        assert received < len(LARGE)
