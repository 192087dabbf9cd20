"""RPC endpoints compared: one that lags is named; what another claims of itself makes it no source of prices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from prometheus_client import REGISTRY

from chains.solana_client import SolanaChain
from tests.integration.chains.endpoint_server import Request, rpc, serving


class Node:
    """Answers by ``slot``; None answers nothing that can be used."""

    def __init__(self, slot: int | None, *, genesis: str = "one") -> None:
        self.slot, self.genesis = slot, genesis
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
        return rpc(request, result={"context": {"slot": self.slot}, "value": [None]})


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
    nodes = Node(1_000), Node(9_000, genesis="another")
    async with over(*nodes) as chain:
        assert await chain.health.problem() is None
        assert await read(chain, *nodes) == [0]


async def test_of_three_one_alone_that_runs_ahead_makes_nobody_lag() -> None:
    nodes = Node(1_000), Node(10**9), Node(1_001)
    async with over(*nodes) as chain:
        assert await chain.health.problem() is None
        assert await read(chain, *nodes) == [0]


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
