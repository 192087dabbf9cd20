"""RPC endpoints compared: one that lags is named; what another claims of itself makes it no source of prices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from prometheus_client import REGISTRY
from solders.hash import Hash

from chains.errors import ChainUnavailableError
from chains.solana_client import SolanaChain
from tests.integration.chains.endpoint_server import Request, rpc, serving


class Node:
    """Answers by ``slot``; None answers nothing that can be used."""

    def __init__(self, slot: int | None, *, genesis: str = "one") -> None:
        self.slot, self.genesis = slot, genesis
        self.blockhash: dict[str, Any] | None = {}
        """What is other than it should be about the latest blockhash; None is answered with an error."""
        self.knows = True
        """Whether it calls blockhashes valid."""
        self.asked: list[str] = []
        self.url = ""

    async def answer(self, request: Request) -> bytes:
        self.asked.append(request["method"])
        if self.slot is None:
            return rpc(request, error={"code": -32005, "message": "behind"})
        if request["method"] == "getGenesisHash":
            return rpc(request, result=self.genesis)
        if request["method"] == "getEpochInfo":
            return rpc(request, result={"absoluteSlot": self.slot, "blockHeight": self.slot - 7, "epoch": 0})
        if request["method"] == "getBlockHeight":
            return rpc(request, result=self.slot - 7)
        if request["method"] == "getLatestBlockhash":
            return self._latest_blockhash(request, self.slot)
        if request["method"] == "isBlockhashValid":
            return rpc(request, result={"context": {"slot": self.slot}, "value": self.knows})
        return rpc(request, result={"context": {"slot": self.slot}, "value": [None]})

    def _latest_blockhash(self, request: Request, slot: int) -> bytes:
        if self.blockhash is None:
            return rpc(request, error={"code": -32005, "message": "not now"})
        latest = {"blockhash": str(Hash.new_unique()), "lastValidBlockHeight": slot - 7 + 150}
        return rpc(request, result={"context": {"slot": slot}, "value": latest | self.blockhash})


@asynccontextmanager
async def over(*nodes: Node) -> AsyncIterator[SolanaChain]:
    async with AsyncExitStack() as stack:
        for node in nodes:
            node.url = await stack.enter_async_context(serving(node.answer))
        urls = [node.url for node in nodes]
        chain = await stack.enter_async_context(SolanaChain(urls[0], extra_urls=urls[1:]))
        await chain.health.look()
        yield chain


async def read(chain: SolanaChain, *nodes: Node) -> list[int]:
    """The places of the nodes that an account is read from."""
    for node in nodes:
        node.asked.clear()
    await chain.accounts(["a"])
    return [place for place, node in enumerate(nodes) if "getMultipleAccounts" in node.asked]


async def test_nothing_is_said_while_the_main_one_keeps_up() -> None:
    nodes = Node(1_000), Node(1_010)
    async with over(*nodes) as chain:
        assert await chain.health.problem() is None
        assert await read(chain, *nodes) == [0]
        shown = {"endpoint": nodes[1].url.removeprefix("http://")}
        assert REGISTRY.get_sample_value("surefill_rpc_slot", shown) == 1_010
        assert REGISTRY.get_sample_value("surefill_rpc_height", shown) == 1_003


async def test_a_main_one_that_lags_is_named_and_read_from_all_the_same() -> None:
    nodes = Node(1_000), Node(1_050)
    async with over(*nodes) as chain:
        name = nodes[0].url.removeprefix("http://")
        assert await chain.health.problem() == f"{name} is 20 s behind"
        assert REGISTRY.get_sample_value("surefill_rpc_lag_seconds", {"endpoint": name}) == 20
        assert await read(chain, *nodes) == [0]
        nodes[0].slot = 1_050
        await chain.health.look()
        assert await chain.health.problem() is None
        assert await read(chain, *nodes) == [0]


async def test_one_of_another_chain_makes_nobody_lag_and_is_never_read_from() -> None:
    nodes = Node(1_000), Node(1_060, genesis="another")
    async with over(*nodes) as chain:
        assert await chain.health.problem() is None
        assert await read(chain, *nodes) == [0]


@pytest.mark.parametrize("mistaken", [0, 1])
async def test_one_that_named_another_chain_by_mistake_is_compared_once_it_names_this_one(mistaken: int) -> None:
    nodes = Node(1_000), Node(1_050)
    nodes[mistaken].genesis = "another"
    async with over(*nodes) as chain:
        assert await chain.health.problem() is None
        nodes[mistaken].genesis = "one"
        await chain.health.look()
        assert await chain.health.problem() == f"{nodes[0].url.removeprefix('http://')} is 20 s behind"


async def test_of_three_one_alone_that_runs_ahead_makes_nobody_lag() -> None:
    nodes = Node(1_000), Node(10**9), Node(1_001)
    async with over(*nodes) as chain:
        name, ahead = (node.url.removeprefix("http://") for node in nodes[:2])
        # No blockhash can be as far ahead as this one claims to be.
        assert await chain.health.problem() == f"{ahead} shows the height 999999993, and others 994: it isn't believed"
        assert REGISTRY.get_sample_value("surefill_rpc_lag_seconds", {"endpoint": name}) == pytest.approx(0.4)
        assert await read(chain, *nodes) == [0]


async def test_of_two_that_are_far_apart_readiness_names_both_and_nothing_is_built() -> None:
    nodes = Node(1_000), Node(10**9)
    async with over(*nodes) as chain:
        name, ahead = (node.url.removeprefix("http://") for node in nodes)
        why = f"a blockhash valid until 1143, and {ahead} shows the height 999999993, {name} 993"
        said = await chain.health.problem()
        assert said is not None and f"{name} gives no blockhash to build with: {why}" in said
        with pytest.raises(ChainUnavailableError):
            await chain.latest_blockhash()


async def test_one_that_does_not_answer_is_named_and_read_from_no_less() -> None:
    nodes = Node(1_000), Node(None)
    async with over(*nodes) as chain:
        assert await chain.health.problem() == f"{nodes[1].url.removeprefix('http://')} doesn't answer"
        assert await read(chain, *nodes) == [0]


async def test_a_slot_is_measured_by_the_chains_own_progress() -> None:
    node = Node(1_000)
    async with over(node) as chain:
        assert chain.health.slot_seconds is None
        node.slot = 1_100
        await chain.health.look()
        assert chain.health.slot_seconds is not None
        assert 0 < chain.health.slot_seconds < 0.1
        before = chain.health.slot_seconds
        await chain.health.look()  # a cluster that stands still takes no time for a slot
        assert chain.health.slot_seconds == before


@pytest.mark.parametrize(
    ("blockhash", "why"),
    [
        ({"lastValidBlockHeight": -5}, "getLatestBlockhash was answered in a form that can't be read"),
        ({"blockhash": "not32bytes"}, "getLatestBlockhash was answered in a form that can't be read"),
        ({"lastValidBlockHeight": 5}, "a blockhash valid until 5, and {name} shows the height 993"),
        (None, "error -32005"),
    ],
)
async def test_blockhashes_that_nothing_can_be_built_with_are_named_until_there_are_others(
    blockhash: dict[str, Any] | None, why: str
) -> None:
    nodes = Node(1_000), Node(1_000)
    nodes[0].blockhash = blockhash
    nodes[1].blockhash = None  # one that is asked for evidence alone needs none
    async with over(*nodes) as chain:
        name = nodes[0].url.removeprefix("http://")
        assert await chain.health.problem() == f"{name} gives no blockhash to build with: {why.format(name=name)}"
        nodes[0].blockhash = {}
        await chain.health.look()
        assert await chain.health.problem() is None
