"""What becomes of an order after its end was recorded: the running engine finds what the log has otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from chains.guard import TOKEN_PROGRAM
from chains.solana_client import SolanaChain
from commands.ids import DEFAULT_ACCOUNT
from domain import events as e
from domain.commands import RecordExpiry, RequestCancel
from domain.errors import DomainError
from domain.order import Order
from domain.tokens import USDC
from projections.uncertainty import uncertainty_of
from tests.integration.chains.endpoint_server import Alter, Request, altering, http, serving
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.lies import Lies, NeverWas
from tests.integration.workers.test_contradictions import forged, landed, told
from tests.integration.workers.test_execution import QUICK
from tests.skipping import pass_finalized
from workers.execution.sending import signed_bytes
from workers.tracker.resolve import Landed, Resolver

PACE = replace(QUICK, guards=0.2, uncertain_after=0.3)
SENDS_NOTHING = replace(PACE, rebroadcast=999, first_send=999)
FOUND_WITHIN = 30


@asynccontextmanager
async def lying_first(rpc_url: str, changes: Mapping[str, Alter]) -> AsyncIterator[SolanaChain]:
    """A node whose answers are altered, and an honest one beside it."""
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, changes)) as url,
        SolanaChain(url, extra_urls=[rpc_url]) as chain,
    ):
        yield chain


@asynccontextmanager
async def away_at_first(rpc_url: str) -> AsyncIterator[tuple[SolanaChain, asyncio.Event]]:
    """An honest node, and one beside it that answers nothing until the event is set."""
    back = asyncio.Event()
    async with httpx2.AsyncClient(base_url=rpc_url) as node:
        whole = altering(node, {})

        async def sometimes(request: Request) -> bytes | None:
            return await whole(request) if back.is_set() else http(b"", status="503 Service Unavailable")

        async with serving(sometimes) as url, SolanaChain(rpc_url, extra_urls=[url]) as chain:
            yield chain, back


async def untracked(engine: EngineHarness, order_id: UUID) -> None:
    async with asyncio.timeout(15):
        while order_id in (await engine.work.tracked())[1]:
            await asyncio.sleep(0.05)


async def contradiction(engine: EngineHarness) -> str:
    async with asyncio.timeout(FOUND_WITHIN):
        while not (found := await engine.accounts.contradictions(DEFAULT_ACCOUNT)):
            await asyncio.sleep(0.05)
    assert (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted
    return found[0].kind


async def past(engine: EngineHarness, order_id: UUID) -> None:
    """Return once the order's first attempt can land no more."""
    await pass_finalized(engine.rpc_url, (await engine.order(order_id)).attempts[0].lands_until)


async def says(engine: EngineHarness, order_id: UUID, holds: Callable[[str | None], bool]) -> str | None:
    """What the order says that isn't known of its first attempt, once ``holds`` of it."""
    async with asyncio.timeout(15):
        while True:
            found = await uncertainty_of(engine.pool, order_id, [1])
            if holds(found.reason if found else None):
                return found.reason if found else None
            await asyncio.sleep(0.05)


def restatements(events: tuple[e.OrderEvent, ...]) -> list[e.OrderRestated]:
    return [event for event in events if isinstance(event, e.OrderRestated)]


async def test_a_success_after_an_order_was_called_failed_is_found_and_halts_the_account(engine: EngineHarness):
    order_id = await engine.submit(deadline=now() + timedelta(seconds=1))
    await engine.build(order_id)
    await asyncio.sleep(1)
    evidence = forged((await engine.order(order_id)).attempts[0])
    await engine.orders.execute(await engine.history(order_id), RecordExpiry(1, evidence, now()))
    assert (await engine.order(order_id)).status == "failed"
    engine.start_projector()
    engine.start_tracker(PACE)
    await engine.chain.send(signed_bytes(await engine.history(order_id), 1))

    assert await contradiction(engine) == "landed_after_end"

    assert (await engine.order(order_id)).status == "failed"


async def test_a_height_that_one_endpoint_overstates_by_more_than_a_day_ends_no_watch(
    engine: EngineHarness, rpc_url: str
):
    told: list[int] = []

    def overstated(_: Request, height: Any) -> Any:
        told.append(height)
        return height + 10**6

    def overstated_epoch(_: Request, result: Any) -> Any:
        return {**result, "blockHeight": result["blockHeight"] + 10**6}

    order_id = await engine.submit(deadline=now() + timedelta(seconds=1))
    await engine.build(order_id)
    await asyncio.sleep(1)
    evidence = forged((await engine.order(order_id)).attempts[0])
    await engine.orders.execute(await engine.history(order_id), RecordExpiry(1, evidence, now()))
    engine.start_projector()
    async with lying_first(rpc_url, {"getBlockHeight": overstated, "getEpochInfo": overstated_epoch}) as engine.chain:
        engine.start_tracker(PACE)
        async with asyncio.timeout(FOUND_WITHIN):
            while len(told) < 10:
                await asyncio.sleep(0.05)
        await engine.chain.send(signed_bytes(await engine.history(order_id), 1))
        assert await contradiction(engine) == "landed_after_end"
        await engine.stop()


async def wrongly_expired(engine: EngineHarness, rpc_url: str, order_id: UUID) -> None:
    """An operator is told by one node that the swap never landed, and by no other; it did."""
    lies = Lies(("no status", "no guard"))
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, lies.changes)) as url,
        SolanaChain(url, extra_urls=["http://127.0.0.1:1"]) as chain,
    ):
        resolver = Resolver(engine.orders, engine.accounts, chain)
        await resolver.expired(order_id, 1, "the other endpoint is gone", now())


@pytest.mark.parametrize("over", [False, True], ids=["the order goes on", "the order failed by it"])
async def test_an_attempt_that_an_operator_wrongly_calls_expired_is_found(
    engine: EngineHarness, rpc_url: str, over: bool
):
    order_id = await engine.submit(deadline=now() + timedelta(seconds=3 if over else 60))
    await engine.execute(order_id)
    await past(engine, order_id)
    if over:
        await asyncio.sleep(3)
    await wrongly_expired(engine, rpc_url, order_id)
    assert (await engine.order(order_id)).status == ("failed" if over else "routing")
    engine.start_projector()
    engine.start_tracker(SENDS_NOTHING)
    if over:
        assert await contradiction(engine) == "landed_after_end"
        assert (await engine.order(order_id)).status == "failed"
    else:
        order = await engine.until(order_id, lambda order: order.ended, within=FOUND_WITHIN)
        assert (order.status, order.fill and order.fill.tx_hash) == ("confirmed", order.attempts[0].signature)
        assert not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted


async def test_what_an_operator_wrongly_calls_landed_is_found(engine: EngineHarness, rpc_url: str):
    order_id = await engine.submit()
    await engine.build(order_id)
    await past(engine, order_id)
    lies = Lies(("a guard",))
    minimum = (await engine.order(order_id)).attempts[0].minimum_out
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, lies.changes)) as url,
        SolanaChain(url) as chain,
    ):
        resolver = Resolver(engine.orders, engine.accounts, chain)
        with pytest.raises(DomainError, match="shows the order's guard"):
            await resolver.expired(order_id, 1, "no node knows it", now())
        await resolver.landed(order_id, 1, Landed(7, minimum, 5_000), "seen somewhere", now())
    engine.start_projector()
    engine.start_tracker(SENDS_NOTHING)

    assert await contradiction(engine) == "confirmed_lost"


async def test_amounts_that_one_node_lied_about_are_restated_once_both_show_the_same(
    engine: EngineHarness, rpc_url: str
):
    lying = True

    def transaction(_: Request, result: Any) -> Any:
        if not (lying and result):
            return result
        balances = [
            {**one, "uiTokenAmount": {**one["uiTokenAmount"], "amount": str(int(one["uiTokenAmount"]["amount"]) + 1)}}
            if (one["mint"], one["owner"]) == (USDC.mint, engine.wallet.address)
            else one
            for one in result["meta"]["postTokenBalances"]
        ]
        return {**result, "meta": {**result["meta"], "postTokenBalances": balances}}

    order_id = await engine.submit()
    await engine.execute(order_id)
    async with lying_first(rpc_url, {"getTransaction": transaction}) as engine.chain:
        engine.start_projector()
        engine.start_tracker(PACE)
        confirmed = await engine.until(order_id, lambda order: order.ended)
        # On a busy machine the local chain may have stood still before, and the order said so first.
        await says(engine, order_id, lambda said: "alone shows its swap so, finalized" in (said or ""))
        assert not (await engine.order(order_id)).is_settled
        lying = False
        order = await engine.until(order_id, lambda order: order.is_settled, within=FOUND_WITHIN)
        await says(engine, order_id, lambda said: said is None)
        await engine.stop()
    [restated] = restatements((await engine.history(order_id)).events)
    assert restated.reason == "other_amounts"
    assert order.fill
    assert confirmed.fill
    assert order.fill.amount_out == confirmed.fill.amount_out - 1


async def test_a_swap_that_never_was_is_sent_again_and_restated_as_it_lands(engine: EngineHarness, rpc_url: str):
    other, order_id = await engine.submit(), await engine.submit()
    await engine.execute(other)
    await landed(engine, other, 1)
    shown = await told(rpc_url, (await engine.order(other)).attempts[0].signature)
    await engine.build(order_id)
    signature = (await engine.order(order_id)).attempts[0].signature
    guards = [(await engine.order(one)).guard for one in (other, order_id)]
    lie = NeverWas(signature, shown, {guards[0]: guards[1]})
    async with lying_first(rpc_url, lie.changes) as engine.chain:
        engine.start_projector()
        engine.start_tracker(PACE)
        false = await engine.until(order_id, lambda order: order.ended)
        assert false.status == "confirmed"
        lie.told = False
        order = await engine.until(order_id, lambda order: order.is_settled, within=FOUND_WITHIN)
        await engine.stop()
    [restated] = restatements((await engine.history(order_id)).events)
    assert restated.reason in ("other_amounts", "other_slot")
    assert order.fill
    assert false.fill
    assert order.fill.slot > false.fill.slot
    assert not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted


@pytest.mark.parametrize("commitment", ["confirmed", "finalized"])
async def test_one_endpoint_of_two_settles_nothing(engine: EngineHarness, rpc_url: str, commitment: str):
    engine.settings = engine.settings.model_copy(update={"commitment": commitment})
    order_id = await engine.submit()
    await engine.execute(order_id)
    async with away_at_first(rpc_url) as (engine.chain, comes_back):
        engine.start_projector()
        engine.start_tracker(PACE)
        alone = f"{rpc_url.removeprefix('http://')} alone shows"
        await says(engine, order_id, lambda said: said is not None and said.startswith(alone))
        order = await engine.order(order_id)
        assert order.status == ("confirmed" if commitment == "confirmed" else "submitted")
        comes_back.set()
        await engine.until(order_id, lambda order: order.status == "confirmed")
        await says(engine, order_id, lambda said: said is None)
        await untracked(engine, order_id)
        await engine.stop()
    assert restatements((await engine.history(order_id)).events) == []


async def test_a_cancel_that_one_node_of_two_calls_final_cancels_nothing(engine: EngineHarness, rpc_url: str):
    order_id = await engine.submit()
    await engine.execute(order_id)  # the swap lands
    await engine.orders.execute(await engine.history(order_id), RequestCancel())
    await engine.build(order_id)
    swap, cancel = (await engine.order(order_id)).attempts
    async with asyncio.timeout(10):
        while not (shown := await told(rpc_url, swap.signature)):
            await asyncio.sleep(0.05)

    def statuses(request: Request, result: Any) -> Any:
        lie = {"slot": shown["slot"], "confirmations": None, "err": None, "confirmationStatus": "finalized"}
        return {**result, "value": [lie if one == cancel.signature else None for one in request["params"][0]]}

    def transaction(request: Request, result: Any) -> Any:
        said = {**shown, "transaction": {**shown["transaction"], "signatures": [cancel.signature]}}
        return said if request["params"][0] == cancel.signature else None

    async with lying_first(rpc_url, {"getSignatureStatuses": statuses, "getTransaction": transaction}) as engine.chain:
        engine.start_projector()
        engine.start_tracker(SENDS_NOTHING)

        async def cancel_says() -> Any:
            return await uncertainty_of(engine.pool, order_id, [2])

        async with asyncio.timeout(15):
            while not await cancel_says():
                await asyncio.sleep(0.05)
        assert (await engine.order(order_id)).status == "submitted"
        # Past their heights the guard is asked for, and the honest one shows whose it is.
        order: Order = await engine.until(order_id, lambda order: order.ended, within=FOUND_WITHIN)
        await engine.stop()
    assert (order.status, order.fill and order.fill.tx_hash) == ("confirmed", swap.signature)


async def test_an_order_that_an_unknown_transaction_executed_says_so_and_only_an_operator_ends_it(
    engine: EngineHarness, rpc_url: str
):
    order_id = await engine.submit()
    await engine.build(order_id)
    guard = (await engine.order(order_id)).guard
    await past(engine, order_id)

    def a_guard(request: Request, result: Any) -> Any:
        account = {"owner": TOKEN_PROGRAM, "data": ["", "base64"]}
        asked = zip(request["params"][0], result["value"], strict=True)
        return {**result, "value": [account if one == guard else found for one, found in asked]}

    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, {"getMultipleAccounts": a_guard})) as url,
        SolanaChain(url, extra_urls=[rpc_url]) as one_of_two,
        SolanaChain(url) as engine.chain,
    ):
        engine.start_projector()
        engine.start_tracker(SENDS_NOTHING)
        await says(engine, order_id, lambda said: "it shows the order's guard" in (said or ""))
        found = await uncertainty_of(engine.pool, order_id, [1])
        assert found
        assert found.permanent
        for chain in (engine.chain, one_of_two):
            with pytest.raises(DomainError) as refused:
                await Resolver(engine.orders, engine.accounts, chain).expired(order_id, 1, "nobody knows it", now())
            assert refused.value.code == "still_knowable"
        minimum = (await engine.order(order_id)).attempts[0].minimum_out
        resolver = Resolver(engine.orders, engine.accounts, engine.chain)
        with pytest.raises(DomainError, match="outside of what"):
            await resolver.landed(order_id, 1, Landed(7, minimum - 1, 5_000), "seen", now())
        await resolver.landed(order_id, 1, Landed(7, minimum, 5_000), "seen at an archive", now())
        await says(engine, order_id, lambda said: said is None)
        await engine.stop()
    assert (await engine.order(order_id)).status == "confirmed"


async def test_a_loser_that_is_called_final_beside_a_confirmed_swap_takes_nothing_from_it(
    engine: EngineHarness, rpc_url: str
):
    order_id = await engine.submit()
    await engine.build(order_id)
    first = signed_bytes(await engine.history(order_id), 1)
    evidence = forged((await engine.order(order_id)).attempts[0])
    await engine.orders.execute(await engine.history(order_id), RecordExpiry(1, evidence, now()))
    await engine.build(order_id)
    await engine.chain.send(first)
    await landed(engine, order_id, 1)
    won, lost = (await engine.order(order_id)).attempts
    shown, lying, asked_for = await told(rpc_url, won.signature), True, 0

    def statuses(request: Request, result: Any) -> Any:
        final = {"slot": shown["slot"], "confirmations": None, "err": None, "confirmationStatus": "finalized"}
        said = {lost.signature: final, won.signature: {**final, "confirmationStatus": "confirmed", "confirmations": 1}}
        return {**result, "value": [said[one] for one in request["params"][0]]} if lying else result

    def transaction(request: Request, result: Any) -> Any:
        nonlocal asked_for
        signature, config = request["params"]
        if not lying:
            return result
        if signature == lost.signature:
            asked_for += 1
            return {**shown, "transaction": {**shown["transaction"], "signatures": [signature]}}
        return None if config["commitment"] == "finalized" else result

    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, {"getSignatureStatuses": statuses, "getTransaction": transaction})) as url,
        SolanaChain(url) as engine.chain,
    ):
        engine.start_projector()
        engine.start_tracker(PACE)
        before = await engine.history(order_id)
        async with asyncio.timeout(15):
            while asked_for < 5:
                await asyncio.sleep(0.02)
        assert await engine.history(order_id) == before
        lying = False
        order = await engine.until(order_id, lambda order: not order.live_attempts, within=FOUND_WITHIN)
        await engine.stop()
    assert [attempt.end for attempt in order.attempts] == ["confirmed", "expired"]
    assert restatements((await engine.history(order_id)).events) == []
    assert not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted
