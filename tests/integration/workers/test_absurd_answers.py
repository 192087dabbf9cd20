"""What nobody foresaw of one order's outcome: the tracker goes on, and so does every other order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from chains.protocol import OutcomeQuestion
from chains.solana_client import SolanaChain
from domain.numbers import U64_MAX
from domain.tokens import USDC
from tests.integration.chains.endpoint_server import Alter, Request, altering, serving
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_execution import QUICK
from tests.integration.workers.test_lying_nodes import said

PACE = replace(QUICK, guards=0.2)
SENDS_NOTHING = replace(PACE, rebroadcast=999, first_send=999)


def absurd_balances(wallet: str) -> Alter:
    """Two token accounts of the wallet's, each with as much as a u64 holds, after nothing before."""
    amount = {"amount": str(U64_MAX), "decimals": 6}
    after = [{"accountIndex": at, "mint": USDC.mint, "owner": wallet, "uiTokenAmount": amount} for at in (1, 2)]

    def altered(_: Request, result: Any) -> Any:
        told = {"preTokenBalances": [], "postTokenBalances": after}
        return result and {**result, "meta": {**result["meta"], **told}}

    return altered


def no_status(_: Request, result: Any) -> Any:
    return {**result, "value": [None] * len(result["value"])}


@pytest.mark.parametrize("is_main", [False, True], ids=["the other endpoint", "the main one"])
async def test_one_endpoints_absurd_balances_hold_up_no_order(engine: EngineHarness, rpc_url: str, is_main: bool):
    lie = {"getTransaction": absurd_balances(engine.wallet.address)}
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, lie)) as liar,
        # Its statuses lag: what landed is found by the guard.
        serving(altering(node, {"getSignatureStatuses": no_status})) as late,
        SolanaChain(liar if is_main else late, extra_urls=[rpc_url if is_main else liar]) as engine.chain,
    ):
        engine.start_projector()
        engine.start_sweeper()
        engine.start_worker()
        tracker = engine.start_tracker(PACE)
        order_id = await engine.submit()
        order = await engine.until(order_id, lambda order: order.status == "confirmed", within=30)
        assert not tracker.done()
        await engine.stop()
    assert order.fill
    assert order.fill.amount_in == order.amount_in


class Unforeseen:
    """The chain, but for what is asked of one guard: the program fails at it."""

    def __init__(self, chain: SolanaChain, guard: str) -> None:
        self._chain, self._guard = chain, guard

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    async def outcomes(self, questions: Sequence[OutcomeQuestion]) -> Any:
        if any(question.guard == self._guard for question in questions):
            raise ValueError("nobody foresaw it")
        return await self._chain.outcomes(questions)


async def test_an_outcome_that_cannot_be_asked_for_holds_up_its_own_order_alone(engine: EngineHarness):
    bad, good = [await engine.submit() for _ in range(2)]
    for order_id in (bad, good):
        await engine.build(order_id)
    guard = (await engine.order(bad)).guard
    assert guard
    engine.chain = Unforeseen(engine.chain, guard)  # type: ignore[assignment]
    engine.start_projector()
    tracker = engine.start_tracker(SENDS_NOTHING)
    await engine.until(good, lambda order: order.attempts[0].end == "expired", within=30)
    await said(engine, bad, "what became of it can't be recorded: ValueError")
    assert not tracker.done()
    assert (await engine.order(bad)).live_attempt
    await engine.stop()
