"""Of three endpoints one overstates how high the chain is: orders are executed all the same."""

from __future__ import annotations

import httpx2

from chains.solana_client import SolanaChain
from tests.golden.runs import execute
from tests.integration.chains.endpoint_server import altering, serving
from tests.integration.workers.harness import EngineHarness


async def test_an_order_is_executed_beside_an_endpoint_that_overstates_its_height(
    engine: EngineHarness, rpc_url: str
) -> None:
    lies = {
        "getBlockHeight": lambda _, height: height + 10**6,
        "getEpochInfo": lambda _, result: {**result, "blockHeight": result["blockHeight"] + 10**6},
    }
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, lies)) as liar,
        SolanaChain(rpc_url, extra_urls=[liar, rpc_url]) as engine.chain,
    ):
        execute(engine)
        order = await engine.until(await engine.submit(), lambda order: order.ended, within=30)
        await engine.stop()
    assert (order.status, len(order.attempts)) == ("confirmed", 1)
    assert order.attempts[0].lands_until < 10**6
