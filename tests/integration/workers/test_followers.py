"""What follows an order in its list begins by no single endpoint's word that that one was filled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx2
import pytest

from chains.solana_client import SolanaChain
from domain import events as e
from domain.tokens import SOL, USDC
from tests.integration.chains.endpoint_server import Request, altering, serving
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.lies import NeverWas
from tests.integration.workers.test_contradictions import landed, told
from tests.integration.workers.test_following_on import PACE, away_at_first, lying_first, past, says, untracked
from workers.tracker.resolve import Resolver

BACK = {"token_in": USDC, "token_out": SOL, "amount_in": 50 * 10**6}


async def test_a_first_order_that_one_node_of_two_shows_as_filled_and_never_was_lets_nothing_begin(
    engine: EngineHarness, rpc_url: str
) -> None:
    other = await engine.submit()
    await engine.execute(other)
    await landed(engine, other, 1)
    shown = await told(rpc_url, (await engine.order(other)).attempts[0].signature)
    accepted = await engine.submit_list("otoco", {}, BACK, BACK)
    first, *following = accepted.order_ids
    await engine.build(first)
    order = await engine.order(first)
    lie = NeverWas(order.attempts[0].signature, shown, {(await engine.order(other)).guard: order.guard})
    async with lying_first(rpc_url, lie.changes) as engine.chain:
        engine.start_projector()
        engine.start_tracker(replace(PACE, rebroadcast=999, first_send=999))
        await engine.until(first, lambda one: one.status == "confirmed")
        await says(engine, first, lambda said: "what follows it in its list does not begin" in (said or ""))
        assert all([(await engine.order(one)).is_held for one in following])
        await engine.stop()
    lie.told = False
    # It is sent again, and lands.
    async with lying_first(rpc_url, {}) as engine.chain:
        engine.start_projector()
        engine.start_tracker(PACE)
        for one in following:
            await engine.until(one, lambda order: not order.is_held, within=30)
        await says(engine, first, lambda said: said is None)
        await engine.stop()


@pytest.mark.parametrize("word", ["stands", "lost"])
async def test_of_a_first_order_that_no_endpoint_shows_any_more_an_operator_says_whether_what_follows_begins(
    engine: EngineHarness, rpc_url: str, word: str
) -> None:
    accepted = await engine.submit_list("oto", {}, BACK)
    first, second = accepted.order_ids
    await engine.execute(first)
    whole = engine.chain
    async with away_at_first(rpc_url) as (engine.chain, _):
        engine.start_projector()
        engine.start_tracker(PACE)
        await engine.until(first, lambda one: one.status == "confirmed")
        await engine.stop()
    engine.chain = whole
    await past(engine, first)
    purged = {"getSignatureStatuses": no_status, "getTransaction": lambda _, __: None}
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, purged)) as url,
        serving(altering(node, purged)) as other,
        SolanaChain(url, extra_urls=[other]) as engine.chain,
    ):
        engine.start_projector()
        engine.start_tracker(PACE)
        await says(engine, first, lambda said: "shows the order's guard" in (said or ""))
        assert (await engine.order(second)).is_held
        resolver = Resolver(engine.orders, engine.accounts, engine.chain)
        await getattr(resolver, word)(first, 1, "the explorer shows it")
        await untracked(engine, first)
        await engine.stop()
    assert (await engine.order(second)).is_held == (word == "lost")


def no_status(_: Request, result: Any) -> Any:
    return {**result, "value": [None for _ in result["value"]]}


@pytest.mark.parametrize("commitment", ["confirmed", "finalized"])
async def test_what_follows_begins_once_the_second_endpoint_shows_the_first_one(
    engine: EngineHarness, rpc_url: str, commitment: str
) -> None:
    engine.settings = engine.settings.model_copy(update={"commitment": commitment})
    accepted = await engine.submit_list("oto", {}, BACK)
    first, second = accepted.order_ids
    await engine.execute(first)
    async with away_at_first(rpc_url) as (engine.chain, comes_back):
        engine.start_projector()
        engine.start_tracker(PACE)
        await says(engine, first, lambda said: "alone shows" in (said or ""))
        assert (await engine.order(second)).is_held
        comes_back.set()
        await engine.until(second, lambda order: not order.is_held)
        await says(engine, first, lambda said: said is None)
        await untracked(engine, first)
        await engine.stop()
    events = (await engine.history(second)).events
    assert sum(isinstance(event, e.OrderReleased) for event in events) == 1
