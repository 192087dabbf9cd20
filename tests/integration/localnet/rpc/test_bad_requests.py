"""Whatever is sent, the answer is JSON-RPC with the right code, and the node goes on."""

from __future__ import annotations

import base64
import json
import os
import random
from typing import Any

import pytest

from domain.tokens import SOL, USDC
from localnet.rpc import METHODS
from localnet.server import BODY_LIMIT
from tests.integration.localnet.local_node import LocalNode

PUBKEY = USDC.mint
NONSENSE: list[Any] = [
    None,
    [],
    {},
    [None],
    ["x"],
    [-1],
    [1.5],
    [True],
    [2**70],
    [[]],
    [{}],
    [PUBKEY, None],
    [PUBKEY, []],
    [PUBKEY, {"commitment": "soon"}],
    [PUBKEY, {"encoding": 7}],
    [PUBKEY, {"minContextSlot": 2**63}],
    [["x"] * 300],
    [[PUBKEY], {"dataSlice": {"offset": -1}}],
    [PUBKEY, {"mint": "?"}],
    [PUBKEY, {"filters": [{"memcmp": {"offset": 0, "bytes": "0OIl"}}]}],
    [10**6, {"commitment": "processed"}],
    ["A" * 5000, {"encoding": "base64"}],
    ["AAAA", {"encoding": "base64"}],
    [base64.b64encode(os.urandom(300)).decode(), {"encoding": "base64"}],
]


@pytest.mark.parametrize("method", sorted(METHODS))
def test_nonsense_gets_an_error_or_an_answer_but_never_a_fault(node: LocalNode, method: str) -> None:
    for params in NONSENSE:
        body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        status, raw = node.post(json.dumps(body).encode())
        answer = json.loads(raw)
        assert status == 200
        assert answer["id"] == 7
        assert "result" in answer or answer["error"]["code"] not in (-32603, None), (params, answer)
        assert "Traceback" not in raw.decode()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b"7", -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"getNothing"}', -32601),
        (b'{"jsonrpc":"2.0","id":1,"method":"getSlot","params":{"a":1}}', -32602),
    ],
)
def test_a_request_that_is_none_gets_its_code(node: LocalNode, body: bytes, code: int) -> None:
    status, raw = node.post(body)
    assert status == 200
    assert json.loads(raw)["error"]["code"] == code


def test_a_batch_is_answered_in_order_and_notifications_are_not(node: LocalNode) -> None:
    requests = [
        {"jsonrpc": "2.0", "id": "a", "method": "getHealth"},
        {"jsonrpc": "2.0", "method": "getHealth"},
        {"jsonrpc": "2.0", "id": "b", "method": "getNothing"},
    ]
    _, raw = node.post(json.dumps(requests).encode())
    answers = json.loads(raw)
    assert [answer["id"] for answer in answers] == ["a", "b"]
    assert answers[0]["result"] == "ok"


def test_a_body_past_the_limit_is_refused(node: LocalNode) -> None:
    status, _ = node.post(b" " * (BODY_LIMIT + 1))
    assert status == 413


def test_damaged_transactions_never_harm_the_node(node: LocalNode) -> None:
    wire = bytes(node.swap(node.pool("Raydium", SOL.mint, USDC.mint), SOL.mint, 10**9))
    chance = random.Random(7)
    for _ in range(300):
        damaged = bytearray(wire)
        for _ in range(chance.randint(1, 5)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        text = base64.b64encode(bytes(damaged)).decode()
        for method in ("sendTransaction", "simulateTransaction"):
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": [text, {"encoding": "base64"}]}
            answer = json.loads(node.post(json.dumps(body).encode())[1])
            assert "result" in answer or answer["error"]["code"] != -32603, answer
    assert node.call("getHealth") == "ok"
