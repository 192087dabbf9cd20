"""A server that cuts every connection, at whatever step of its opening, is one kind of error to whoever asks."""

from __future__ import annotations

import socket
import struct
import threading
from collections import Counter
from collections.abc import Iterator

import pytest
from redis.exceptions import ConnectionError as ValkeyConnectionError

from event_store.valkey import open_valkey

SEEN = 3
TRIES = 5_000
RESET = struct.pack("ii", 1, 0)


@pytest.fixture
def cutting() -> Iterator[int]:
    """The port of a server that resets each connection as soon as it is made."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:

        def cut() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

        thread = threading.Thread(target=cut)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join()


async def test_a_connection_cut_while_it_opens_is_a_connection_error(cutting: int) -> None:
    """On uvloop some of these (one in ten) are a RuntimeError of the loop, which nobody expects of Valkey."""
    said: Counter[type[BaseException]] = Counter()
    while said[RuntimeError] < SEEN and said.total() < TRIES:
        async with open_valkey(f"redis://:password@127.0.0.1:{cutting}/0") as client:
            with pytest.raises(ValkeyConnectionError) as raised:
                await client.ping()
        said[type(raised.value.__cause__)] += 1

    assert said[RuntimeError] == SEEN, said
