"""A node that overstates the rent locks nobody's lamports: nothing is signed by it."""

from __future__ import annotations

from typing import Any

import httpx2

from chains.solana_client import SolanaChain
from tests.golden.runs import execute
from tests.integration.chains.endpoint_server import Request, altering, serving
from tests.integration.workers.harness import EngineHarness

METHOD, RENT = "getMinimumBalanceForRentExemption", 2_039_280


async def test_an_order_waits_until_the_rent_can_be_believed(engine: EngineHarness, rpc_url: str) -> None:
    lies = 3

    def overstated(_: Request, rent: Any) -> Any:
        nonlocal lies
        lies -= 1
        return 5 * 10**9 if lies >= 0 else rent

    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, {METHOD: overstated})) as url,
        SolanaChain(url, extra_urls=[rpc_url]) as engine.chain,
    ):
        execute(engine)
        order = await engine.until(await engine.submit(), lambda order: order.ended, within=30)
        await engine.stop()
    assert lies < 0
    assert (order.status, len(order.attempts)) == ("confirmed", 1)
    assert order.fill and order.fill.guard_rent_lamports == RENT
