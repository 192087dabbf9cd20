from __future__ import annotations

from chains.errors import RpcError


def test_what_a_node_says_can_be_recorded_whatever_it_is() -> None:
    assert RpcError("node", -32002, "a\0b\x1b[2J").reason == "error -32002: a\ufffdb\ufffd[2J"
