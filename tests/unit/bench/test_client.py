from __future__ import annotations

import asyncio

import pytest

from bench.client.http import Answer, ConnectionLost, HttpPool, answer_in, get, post
from bench.client.websocket import CLOSE, TEXT, Frame, Refused, Socket, control, frame_in

ANSWER = b'HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\nx: y\r\n\r\n{"a"'


def test_an_answer_is_read_once_it_is_whole():
    assert all(answer_in(ANSWER[:end]) is None for end in range(len(ANSWER)))
    assert answer_in(ANSWER + b"HTTP/1.1 200") == (Answer(202, b'{"a"'), len(ANSWER))


def test_an_answer_without_a_length_is_refused():
    with pytest.raises(ConnectionLost):
        answer_in(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")


def test_a_request_says_how_long_its_body_is():
    assert post(1, "/x", b"{}").endswith(b"content-length: 2\r\n\r\n{}")
    assert get(1, "/x").startswith(b"GET /x HTTP/1.1\r\n")


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_a_frame_is_read_once_it_is_whole(size: int):
    head = bytes((0x80 | TEXT,)) + (
        bytes((size,)) if size < 126 else b"\x7e" + size.to_bytes(2, "big") if size < 65_536
        else b"\x7f" + size.to_bytes(8, "big")
    )  # fmt: skip
    frame = head + b"x" * size
    assert frame_in(frame[:-1]) is None
    assert frame_in(frame + b"\x88") == (Frame(TEXT, b"x" * size), len(frame))


def test_a_frame_in_parts_is_refused():
    with pytest.raises(Refused):
        frame_in(bytes((TEXT, 0)))


async def test_the_clients_speak_with_a_server():
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            if head.startswith(b"POST"):
                await reader.readexactly(2)
                writer.write(ANSWER)
                continue
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + bytes((0x80 | TEXT, 2)) + b"hi")
            writer.write(bytes((0x80 | CLOSE, 2)) + (1000).to_bytes(2, "big"))
            assert await reader.readexactly(8) == control(CLOSE, (1000).to_bytes(2, "big"))
            return

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        pool = HttpPool(port)
        assert await pool.request(post(port, "/", b"{}")) == Answer(202, b'{"a"')
        assert await pool.request(post(port, "/", b"{}")) == Answer(202, b'{"a"')
        socket = await Socket.to(port, "/ws", heard.append)
        assert await socket.closed == 1000
        pool.close()
    assert heard == [b"hi"]
