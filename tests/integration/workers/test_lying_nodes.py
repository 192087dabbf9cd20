"""A node that lies, by one thing or by two together: one success on the chain, and the log ends as the chain is."""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import Any
from uuid import UUID

import httpx2
import pytest

from chains.solana_client import SolanaChain
from commands.ids import DEFAULT_ACCOUNT
from domain.numbers import I64_MAX
from projections.uncertainty import uncertainty_of
from tests.integration.chains.endpoint_server import Request, altering, serving
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.lies import LIES, Lies
from tests.integration.workers.test_execution import QUICK
from workers.outcome_question import BELIEVED_BASE_LAMPORTS, sent_transaction

PACE = replace(QUICK, guards=0.2)
TOLD_S = 1.0


def told() -> Iterator[tuple[str, ...]]:
    """Every lie alone, and every two that don't exclude each other."""
    yield from ((lie,) for lie in LIES)
    for pair in combinations(LIES, 2):
        if not {frozenset(pair)} & {
            frozenset({"no status", "an error"}),
            frozenset({"heights overstated", "heights understated"}),
            frozenset({"no guard", "a guard"}),
        }:
            yield pair


@pytest.mark.parametrize("honest", [False, True], ids=["alone", "beside an honest one"])
@pytest.mark.parametrize("lies", list(told()), ids=" and ".join)
async def test_an_order_is_executed_once_and_says_so_however_the_node_lies(
    engine: EngineHarness, rpc_url: str, lies: tuple[str, ...], honest: bool
):
    lying = Lies(lies)
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, lying.changes)) as url,
        SolanaChain(url, extra_urls=[rpc_url] if honest else []) as engine.chain,
        SolanaChain(rpc_url) as true,
    ):
        engine.start_projector()
        engine.start_sweeper()
        engine.start_worker()
        engine.start_tracker(PACE)
        order_id = await engine.submit()
        await engine.until(order_id, lambda order: bool(order.attempts))
        await asyncio.sleep(TOLD_S)
        assert (await engine.order(order_id)).status in ("routing", "building", "submitted", "confirmed")
        lying.told = False
        order = await engine.until(
            order_id, lambda order: order.status == "confirmed" and not order.live_attempts, within=30
        )
        found = [await true.landing(sent_transaction(order, attempt), "confirmed") for attempt in order.attempts]
        await engine.stop()
    [success] = [landing for landing in found if landing and landing.error is None]
    fill = order.fill
    assert fill
    shown = (success.signature, success.slot, success.amount_in, success.amount_out)
    assert (fill.tx_hash, fill.slot, fill.amount_in, fill.amount_out) == shown
    assert not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted


@pytest.mark.parametrize("honest", [False, True], ids=["alone", "beside an honest one"])
async def test_a_failure_at_a_fee_that_nobody_signed_for_is_no_answer(
    engine: EngineHarness, rpc_url: str, honest: bool
):
    lying = Lies(("an error",))
    failed = lying.changes["getTransaction"]

    def at_an_absurd_fee(request: Request, result: Any) -> Any:
        shown = failed(request, result)
        return {**shown, "meta": {**shown["meta"], "fee": I64_MAX}} if shown and lying.told else shown

    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, {**lying.changes, "getTransaction": at_an_absurd_fee})) as url,
        SolanaChain(url, extra_urls=[rpc_url] if honest else []) as engine.chain,
    ):
        engine.start_projector()
        engine.start_sweeper()
        engine.start_worker()
        engine.start_tracker(replace(PACE, uncertain_after=0.5))
        order_id = await engine.submit()
        if not honest:
            figures = f"a fee of {I64_MAX} lamports for one that costs {BELIEVED_BASE_LAMPORTS} at most"
            await said(engine, order_id, figures)
            lying.told = False
        order = await engine.until(order_id, lambda order: order.status == "confirmed", within=30)
        await engine.stop()
    assert order.fill
    assert (order.fill.network_fee_lamports, order.fees_lost_lamports) == (5_000, 0)


async def said(engine: EngineHarness, order_id: UUID, words: str) -> None:
    """Return once the order says ``words`` of what keeps its outcome from being known."""
    async with asyncio.timeout(30):
        while True:
            uncertain = await uncertainty_of(engine.pool, order_id, [1])
            if uncertain and words in uncertain.reason:
                return
            await asyncio.sleep(0.05)


def without_recent_statuses(request: Request, result: Any) -> Any:
    """As a node answers that has forgotten them, and finds what landed in its history alone."""
    searched = request["params"][1:] and request["params"][1].get("searchTransactionHistory")
    return result if searched else {**result, "value": [None] * len(result["value"])}


async def test_a_failure_that_a_lie_had_called_expiry_is_recorded_with_its_fee_once_history_shows_it(
    engine: EngineHarness, rpc_url: str
):
    order_id = await engine.submit(slippage_bps=0)
    await engine.build(order_id)
    rival = await engine.submit(amount_in=10 * 10**9)
    await engine.execute(rival)
    engine.start_projector()
    lying = Lies(("heights overstated",))
    changes = {**lying.changes, "getSignatureStatuses": without_recent_statuses}
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, changes)) as url,
        SolanaChain(url, extra_urls=[rpc_url]) as engine.chain,
    ):
        engine.start_tracker(replace(PACE, rebroadcast=600, first_send=600))
        order = await engine.until(order_id, lambda order: order.attempts[0].end is not None)
        assert (order.attempts[0].end, order.attempts[0].proven) == ("expired", False)
        [(_, built)] = await engine.events.states([order_id], "order.TransactionBuilt")
        await engine.chain.send(b64decode(json.loads(built)["data"]["transaction"]))
        lying.told = False
        known = lambda order: order.attempts[0].proven or order.attempts[0].end == "rejected"  # noqa: E731
        order = await engine.until(order_id, known, within=60)
        await engine.stop()
    assert order.attempts[0].end == "rejected"
    assert order.fees_lost_lamports > 0
