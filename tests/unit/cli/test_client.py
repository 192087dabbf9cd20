"""The command line's own client, where what answers is no engine."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from cli.client import Client
from cli.errors import RefusedError


class Door(BaseHTTPRequestHandler):
    answer: ClassVar[tuple[int, object]]

    def do_GET(self) -> None:
        status, body = Door.answer
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def do_POST(self) -> None:
        self.do_GET()


@pytest.fixture
def door() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Door) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize("body", [[], ["no"], "no", None, 1])
async def test_json_that_is_no_object_is_no_engines_answer(door: str, status: int, body: object) -> None:
    Door.answer = (status, body)
    async with Client(door) as client:
        with pytest.raises(RefusedError, match=f"answered {status} with JSON that is no object") as refused:
            await client.orders(1)
    assert refused.value.code == "unexpected_answer"


@pytest.mark.parametrize(
    "command",
    [
        ("orders",),
        ("orders", "--json"),
        ("show", "a-1"),
        ("watch", "a-1"),
        ("amend", "a-1", "--slippage-bps=1"),
        ("submit", "--token-in=SOL", "--token-out=USDC", "--amount-in=0.1"),
    ],
)
@pytest.mark.parametrize("body", [{}, {"items": {}, "next": None}, {"orderId": 1, "items": [{}], "next": None}])
def test_another_programs_answer_is_one_sentence(door: str, command: tuple[str, ...], body: object) -> None:
    Door.answer = (200, body)
    program = "from cli.main import main; main()"
    environment = {**os.environ, "PORT": door.rpartition(":")[2]}
    ended = subprocess.run(
        [sys.executable, "-c", program, *command], env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"surefill: {door} answered 200, but not as an engine does: another program listens there; HOST and PORT say "
        "where the engine is (unexpected_answer)\n"
    )


@pytest.mark.parametrize(
    ("named", "said"), [("--client-order-id=z", "sending it again is safe"), ("", "surefill orders")]
)
def test_a_submission_that_is_interrupted_says_that_nobody_knows(named: str, said: str) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        command = ["submit", "--token-in=SOL", "--token-out=USDC", "--amount-in=0.1", *filter(None, [named])]
        program = "from cli.main import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", program, *command], env={**os.environ, "PORT": str(silent.getsockname()[1])},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        asked, _ = silent.accept()
        with asked:
            assert asked.recv(1)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert err.startswith("surefill: interrupted: whether the order was recorded isn't known; ") and said in err
