"""A simulation of a state from before the account's last fill doesn't show what that brought: it ends nothing."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from chains.solana_client import SolanaChain
from domain.events import BuildRejected
from domain.tokens import SOL, USDC
from tests.integration.chains.endpoint_server import Request, altering, serving
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_execution import QUICK

SHORT = {"err": {"InstructionError": [4, {"Custom": 1}]}}
LOGS = ["Program TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA failed: custom program error: 0x1"]


@pytest.mark.parametrize("lags", [True, False], ids=["from before the fill", "as new as the fill"])
async def test_only_a_simulation_as_new_as_the_last_fill_says_that_the_wallet_is_short(
    engine: EngineHarness, rpc_url: str, lags: bool
) -> None:
    simulated: list[int] = []

    def second_is_short(_: Request, result: Any) -> Any:
        simulated.append(result["context"]["slot"])
        if len(simulated) != 2:
            return result
        slot = simulated[0] if lags else result["context"]["slot"]
        return {"context": {"slot": slot}, "value": {**result["value"], **SHORT, "logs": LOGS}}

    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, {"simulateTransaction": second_is_short})) as url,
        SolanaChain(url, extra_urls=[rpc_url]) as engine.chain,
    ):
        engine.start_projector()
        engine.start_tracker(QUICK)
        second = {"token_in": USDC, "token_out": SOL, "amount_in": 50_000_000}
        first_id, second_id = (await engine.submit_list("oto", {}, second)).order_ids
        await engine.execute(first_id)
        await engine.until(first_id, lambda order: order.status == "confirmed")
        # It begins once the second endpoint shows the first one's swap, too.
        await engine.until(second_id, lambda order: not order.is_held)
        await engine.execute(second_id)
        history = await engine.history(second_id)
        [rejected] = [event for event in history.events if isinstance(event, BuildRejected)]
        if lags:
            assert (rejected.code, f"slot {simulated[0]}" in rejected.detail) == ("chain_unavailable", True)
            await engine.execute(second_id)
            await engine.until(second_id, lambda order: order.status == "confirmed")
        else:
            assert history.order and history.order.failure
            assert (rejected.code, history.order.failure.retryable) == ("insufficient_funds", False)
        await engine.stop()
