"""Who may ask the node: it holds no keys, but whoever can send JSON can move its prices and read every transaction."""

from __future__ import annotations

import json

import pytest

from tests.integration.localnet.local_node import LocalNode

HEALTH = b'{"jsonrpc":"2.0","id":1,"method":"getHealth"}'


def ask(node: LocalNode, **headers: str) -> tuple[int, dict[str, object]]:
    sent = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    answer = node.http.post(node.url, content=HEALTH, headers={name: value for name, value in sent.items() if value})
    return answer.status_code, answer.json()


def test_a_page_elsewhere_gets_nothing_from_the_node(node: LocalNode) -> None:
    assert ask(node)[1]["result"] == "ok"
    for headers, code in (
        ({"host": "evil.example"}, "host_not_allowed"),
        ({"origin": "http://evil.example"}, "origin_not_allowed"),
        ({"origin": "null"}, "origin_not_allowed"),
        ({"x_forwarded_for": "203.0.113.5"}, "forwarded"),
    ):
        status, answer = ask(node, **headers)
        assert (status, answer["code"]) == (403, code)


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
    ],
)
def test_only_json_is_taken_as_json(content_type: str, node: LocalNode) -> None:
    status, answer = ask(node, content_type=content_type)
    assert status == 415
    assert answer == {
        "jsonrpc": "2.0",
        "error": {"code": -32600, "message": "Content-Type: application/json is required"},
        "id": None,
    }


def test_json_may_say_its_charset(node: LocalNode) -> None:
    assert ask(node, content_type="Application/JSON; charset=utf-8")[0] == 200


def test_the_node_bounds_what_one_request_may_send(node: LocalNode) -> None:
    answer = node.http.post(node.url, content=HEALTH, headers={"content-type": "application/json", "x": "a" * 20_000})
    assert (answer.status_code, json.loads(answer.content)["code"]) == (431, "headers_too_large")
