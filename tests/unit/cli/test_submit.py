"""`surefill submit` offers what the API's request takes, and sends what was typed."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from api.orders.request import ALIASES, NAMES
from cli.main import COMMANDS, LazyCommands, app

Submit = Callable[..., dict[str, Any]]
ANSWER = {"orderId": "1", "status": "pending", "side": "sell", "pair": "SOL/USDC"}


class Door(BaseHTTPRequestHandler):
    """Accepts every order, and keeps the last one."""

    posted: dict[str, Any]

    def do_POST(self) -> None:
        Door.posted = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(202)
        self.end_headers()
        self.wfile.write(json.dumps(ANSWER).encode())


@pytest.fixture
def submit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Submit]:
    with HTTPServer(("127.0.0.1", 0), Door) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PORT", str(server.server_port))
        monkeypatch.setenv("DATA_DIR", str(tmp_path))

        def run(*options: str) -> dict[str, Any]:
            ended = CliRunner().invoke(app, ["submit", "--token-in", "SOL", "--token-out", "USDC", *options])
            assert ended.exit_code == 0, ended.output
            assert json.loads(ended.stdout) == ANSWER
            return Door.posted

        yield run
        server.shutdown()


def test_every_name_of_a_field_is_an_option() -> None:
    flags = {flag for option in LazyCommands()["submit"].params for flag in option.opts}
    wanted = {"--" + "".join(f"-{c.lower()}" if c.isupper() else c for c in name) for name in (*NAMES, *ALIASES)}
    assert wanted | {"--watch"} == flags


def test_what_is_typed_is_sent_as_text_under_the_requests_names(submit: Submit) -> None:
    assert submit("--amount", "1.50", "--slippage-bps", "50", "--client-order-id", "a") == {
        "type": "market",
        "tokenIn": "SOL",
        "tokenOut": "USDC",
        "amountIn": "1.50",
        "slippageBps": 50,
        "clientOrderId": "a",
    }
    limit = submit("--amount-in", "1", "--limit-price", "0.1")
    assert (limit["type"], limit["limitPrice"]) == ("limit", "0.1")


def test_the_type_follows_from_the_prices_unless_it_is_given(submit: Submit) -> None:
    assert submit("--amount", "1", "--price", "1", "--stop-price", "2")["type"] == "stop-limit"
    assert submit("--amount", "1", "--stop-price", "2")["type"] == "stop"
    assert submit("--amount", "1", "--trail-bps", "50")["type"] == "trailing-stop"
    assert submit("--amount", "1", "--price", "1", "--order-type", "market")["type"] == "market"


@pytest.mark.parametrize("name", [name for panel in COMMANDS.values() for name in panel])
def test_every_command_is_there_with_its_own_help(name: str) -> None:
    found = LazyCommands()[name]
    assert found.name == name
    assert found.help
