"""Transactions that join others of their order, on a real chain: dropped swaps, cancels, deadlines, halts."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest

from chains.solana_client import SolanaChain
from commands.accounts import Behind
from commands.cancel import cancel_order
from commands.ids import DEFAULT_ACCOUNT
from domain.account import ContradictionFound
from domain.errors import DomainError
from domain.order import Order
from tests.integration.chains.endpoint_server import Request, http, rpc, serving
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_execution import QUICK, names
from workers.execution.sending import signed_bytes

REPLACE_AFTER = 0.5


class Node:
    """What a client asks goes on to the node, but for sends while ``drops``; statuses are ``behind`` so many slots, and
    of what failed there are none while ``hides_failures``.
    """

    def __init__(self, client: httpx2.AsyncClient) -> None:
        self._client = client
        self.drops = False
        self.behind = 0
        self.hides_failures = False
        self.sent: list[str] = []

    async def answer(self, request: Request) -> bytes:
        if isinstance(request, list):
            answers = [json.loads((await self.answer(one)).split(b"\r\n\r\n", 1)[1]) for one in request]
            return http(json.dumps(answers).encode())
        if request["method"] == "sendTransaction":
            self.sent.append(request["params"][0])
            if self.drops:
                return rpc(request, result="taken")
        told = (await self._client.post("/", json=request)).json()
        if request["method"] == "getSignatureStatuses" and self.behind:
            told["result"]["context"]["slot"] -= self.behind
            told["result"]["value"] = [None] * len(told["result"]["value"])
        if request["method"] == "getSignatureStatuses" and self.hides_failures:
            told["result"]["value"] = [None if one and one["err"] else one for one in told["result"]["value"]]
        return http(json.dumps(told).encode())


@asynccontextmanager
async def through(engine: EngineHarness, rpc_url: str) -> AsyncIterator[Node]:
    """The engine, running, reaches its node through what is given."""
    async with httpx2.AsyncClient(base_url=rpc_url) as client:
        node = Node(client)
        async with serving(node.answer) as url, SolanaChain(url) as chain:
            engine.chain = chain
            engine.settings = engine.settings.model_copy(update={"replace_after": REPLACE_AFTER})
            engine.start_projector()
            engine.start_sweeper()
            engine.start_worker()
            engine.start_tracker(QUICK)
            yield node
            await engine.close()


def ends(order: Order) -> list[Any]:
    return [attempt.end for attempt in order.attempts]


def is_over(order: Order) -> bool:
    return order.ended and not order.live_attempts


async def test_a_swap_that_the_node_drops_is_joined_by_one_that_offers_more_and_one_of_them_is_confirmed(
    engine: EngineHarness, rpc_url: str
):
    async with through(engine, rpc_url) as node:
        node.drops = True
        order_id = await engine.submit()
        joined = await engine.until(order_id, lambda order: len(order.attempts) == 2)
        node.drops = False
        order = await engine.until(order_id, is_over)
        first, second = joined.attempts
        assert second.compute_unit_price > first.compute_unit_price == 0
        assert second.guard == first.guard
        assert joined.status == "submitted"
        # A visit that had begun before the second was built may send the first once more.
        assert sorted(map(str, ends(order))) in (["confirmed", "expired"], ["confirmed", "rejected"])
        assert names(await engine.history(order_id)).count("OrderConfirmed") == 1


async def test_what_a_loser_cost_is_recorded_though_no_status_shows_it(engine: EngineHarness, rpc_url: str):
    async with through(engine, rpc_url) as node:
        node.drops = node.hides_failures = True
        order_id = await engine.submit()
        await engine.until(order_id, lambda order: len(order.attempts) == 2)
        history = await engine.history(order_id)
        node.drops = False
        for number in (1, 2):
            await engine.chain.send(signed_bytes(history, number))
        order = await engine.until(order_id, is_over)
        assert sorted(map(str, ends(order))) == ["confirmed", "rejected"]
        assert order.fill and order.fill.network_fee_lamports == 10_000 + sum(
            attempt.priority_fee_lamports for attempt in order.attempts
        )


async def test_no_more_than_three_swaps_are_on_their_way_and_the_newest_alone_is_sent_again(
    engine: EngineHarness, rpc_url: str
):
    async with through(engine, rpc_url) as node:
        node.drops = True
        order_id = await engine.submit()
        await engine.until(order_id, lambda order: len(order.attempts) == 2)
        await asyncio.sleep(0.2)  # a send of the first may be under way
        node.sent.clear()
        await asyncio.sleep(0.6)
        history = await engine.history(order_id)
        assert history.order and len(history.order.attempts) == 2
        assert set(node.sent) == {base64.b64encode(signed_bytes(history, 2)).decode()}
        most = 0
        for _ in range(250):
            most = max(most, len((await engine.order(order_id)).live_attempts))
            await asyncio.sleep(0.02)
        assert most == 3


async def test_statuses_that_lag_make_no_swap_join(engine: EngineHarness, rpc_url: str):
    async with through(engine, rpc_url) as node:
        node.drops, node.behind = True, 50
        order_id = await engine.submit()
        await engine.until(order_id, lambda order: order.status == "submitted")
        await asyncio.sleep(6 * REPLACE_AFTER)
        assert len((await engine.order(order_id)).attempts) == 1
        node.behind = 0
        await engine.until(order_id, lambda order: len(order.attempts) == 2)


async def test_a_live_order_is_cancelled_by_the_chain_and_the_swap_never_lands(engine: EngineHarness, rpc_url: str):
    async with through(engine, rpc_url) as node:
        node.drops = True
        order_id = await engine.submit()
        await engine.until(order_id, lambda order: order.status == "submitted")
        asked = await cancel_order(engine.orders, engine.store.trading, order_id, by="me", because="changed my mind")
        assert asked.order and asked.order.status == "submitted"
        swap = signed_bytes(asked, 1)
        node.drops = False
        order = await engine.until(order_id, is_over)
        assert (order.status, ends(order)) == ("cancelled", ["expired", "cancelled"])
        # Whoever sends the swap now finds the guard taken.
        before = await engine.chain.lamports(engine.wallet.address)
        await engine.chain.send(swap)
        await asyncio.sleep(1)
        assert before - await engine.chain.lamports(engine.wallet.address) in (0, 5_000)
        again = await cancel_order(engine.orders, engine.store.trading, order_id, by="me", because="again")
        assert again.version == (await engine.history(order_id)).version


async def test_an_order_that_rests_is_cancelled_at_once(engine: EngineHarness):
    order_id = await engine.submit(type="limit", limit_price=Decimal(900))
    ended = await cancel_order(engine.orders, engine.store.trading, order_id, by="me", because="no more")
    assert ended.order and ended.order.status == "cancelled"
    assert names(ended) == ["OrderSubmitted", "CancelRequested", "OrderCancelled"]


async def test_nothing_is_cancelled_while_the_log_is_one_that_was_put_back(engine: EngineHarness):
    order_id = await engine.submit(type="limit", limit_price=Decimal(900))
    await engine.accounts.found_behind(DEFAULT_ACCOUNT, Behind("it was put back", 0))
    with pytest.raises(DomainError) as refused:
        await cancel_order(engine.orders, engine.store.trading, order_id, by="me", because="no more")
    assert refused.value.code == "log_behind"
    assert names(await engine.history(order_id)) == ["OrderSubmitted"]


async def test_a_deadline_that_passes_while_a_swap_may_land_ends_the_order_by_a_cancel(
    engine: EngineHarness, rpc_url: str
):
    async with through(engine, rpc_url) as node:
        node.drops = True
        order_id = await engine.submit(deadline=now() + timedelta(seconds=1.5))
        await engine.until(order_id, lambda order: order.cancellation is not None)
        node.drops = False
        order = await engine.until(order_id, is_over)
        assert order.failure and order.failure.code == "deadline_passed"
        assert order.cancellation and order.cancellation.tx_hash == order.attempts[-1].signature
        assert order.attempts[-1].end == "cancelled"


async def test_a_halt_stops_sending_and_a_cancel_goes_on(engine: EngineHarness, rpc_url: str):
    async with through(engine, rpc_url) as node:
        node.drops = True
        order_id = await engine.submit()
        await engine.until(order_id, lambda order: order.status == "submitted")
        found = ContradictionFound(kind="second_success", order_id=order_id, attempt=1, signature="s", detail="d")
        assert await engine.accounts.contradict(DEFAULT_ACCOUNT, found)
        await asyncio.sleep(0.5)
        node.sent.clear()
        node.drops = False
        # Its blockhash, of 3 s, must not run out before it is cancelled.
        await asyncio.sleep(2 * REPLACE_AFTER)
        assert node.sent == []
        assert len((await engine.order(order_id)).attempts) == 1
        await cancel_order(engine.orders, engine.store.trading, order_id, by="me", because="trading is halted")
        order = await engine.until(order_id, is_over)
        assert (order.status, ends(order)) == ("cancelled", ["expired", "cancelled"])


async def test_the_wallet_keeps_enough_for_a_cancel_and_one_without_lamports_waits_for_evidence(
    engine: EngineHarness, rpc_url: str
):
    balance = await engine.chain.lamports(engine.wallet.address)
    order_id = await engine.submit()
    await engine.build(order_id)
    await cancel_order(engine.orders, engine.store.trading, order_id, by="me", because="no more")
    executor = engine.executor(reserve=balance - 3_000_000)  # swaps may take no more than one guard
    await engine.execute(order_id, executor=executor)
    assert [attempt.purpose for attempt in (await engine.order(order_id)).attempts] == ["swap", "cancel"]
