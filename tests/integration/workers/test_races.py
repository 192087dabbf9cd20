"""Cancels and amendments against the prices that trigger orders: each ends one way, the chain agrees, and what was
answered was true. ``RACES`` says how many cancels; half as many amendments.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import psycopg

from chains.errors import ChainUnavailableError
from commands.amend import amendment, record_amendment
from commands.cancel import cancel_outcome, request_cancel
from commands.ids import uuid7
from domain import events as e
from domain.commands import AmendOrder
from domain.errors import DomainError
from domain.order import Order
from event_store.errors import LeaseLostError
from tests.golden.runs import QUICK, price
from tests.integration.workers.harness import EngineHarness, now

RACES = int(os.environ.get("RACES", "60"))
SELL = {"type": "limit", "amount_in": 10**7}
LOWEST, STEPS = 150, 5
FAR = Decimal(1_000)
# Seconds over which those that are asked about at one step of the price are spread.
SPREAD_S = 0.3
# When orders are asked about, in turn: four at any moment, one once its price has triggered it, one once its swap is on
# its way. So some answers race a swap, and some come too late for a cancel alone, however slow watcher and worker are.
MOMENTS: tuple[Callable[[Order], bool], ...] = (
    *[lambda _: True] * 4,
    lambda order: order.status != "pending",
    lambda order: order.ended or order.status == "submitted",
)
# So many ask at a time: more would only wait for each other, and for the connections that the engine itself needs.
AT_ONCE = 30


@dataclass
class Answered:
    """What was said of an order's cancel or amendment, with the order as it was then."""

    said: str
    status: str


Ask = Callable[[EngineHarness, UUID], Awaitable[Answered]]


def race(engine: EngineHarness) -> None:
    engine.start_sweeper()
    engine.start_worker()
    for start in (engine.start_projector, lambda: engine.start_tracker(QUICK), engine.start_watcher):
        engine.running.append(asyncio.create_task(_kept_up(engine, start)))


async def _kept_up(engine: EngineHarness, start: Callable[[], object]) -> None:
    """A leased role that goes on under its next lease, as the engine's does: under this load one may be lost."""
    while True:
        start()
        task = engine.running[-1]
        await asyncio.wait([task])
        if task.cancelled() or not isinstance(task.exception(), LeaseLostError):
            return


async def submitted(engine: EngineHarness, count: int) -> list[UUID]:
    """Orders whose limits are met step by step."""
    limits = (Decimal(LOWEST + random.randrange(STEPS)) + Decimal("0.2") for _ in range(count))
    return [await engine.submit(**SELL, limit_price=limit) for limit in limits]


async def answered(engine: EngineHarness, ids: Sequence[UUID], ask: Ask) -> list[Answered]:
    """What is said of each order, asked some time before or after the price that triggers it."""

    turn = asyncio.Semaphore(AT_ONCE)

    moments = dict(zip(ids, itertools.cycle(MOMENTS)))

    async def patiently(order_id: UUID) -> tuple[UUID, Answered]:
        await engine.until(order_id, moments[order_id], within=300)
        await asyncio.sleep(random.uniform(0, SPREAD_S * max(1, len(ids) / AT_ONCE / STEPS)))
        while True:
            try:
                async with turn:
                    return order_id, await ask(engine, order_id)
            except psycopg.OperationalError:
                # No connection was free: nothing was said, and its client asks again.
                await asyncio.sleep(0.1)

    asking: list[asyncio.Task[Answered]] = [asyncio.create_task(patiently(order_id)) for order_id in ids[::STEPS]]
    for step in range(1, STEPS):
        # Each step of the price triggers some of the orders, asked about or not, while others are being asked about.
        await price(engine, str(LOWEST + step))
        asking += [asyncio.create_task(patiently(order_id)) for order_id in ids[step::STEPS]]
    await price(engine, str(LOWEST + STEPS))
    by_order = dict(await asyncio.gather(*asking))
    return [by_order[order_id] for order_id in ids]


async def cancelled(engine: EngineHarness, order_id: UUID) -> Answered:
    history = await request_cancel(engine.orders, engine.store.trading, order_id, by="test", because=None)
    assert history.order
    return Answered(cancel_outcome(history.order), history.order.status)


async def amended(engine: EngineHarness, order_id: UUID) -> Answered:
    history = await engine.history(order_id)
    try:
        assert amendment(history, AmendOrder(now(), limit_price=FAR), history.version)
    except DomainError as refused:
        assert refused.code == "not_amendable" and history.order
        return Answered("refused", history.order.status)
    after = await record_amendment(
        engine.orders, engine.store.trading, history, AmendOrder(now(), limit_price=FAR), uuid7()
    )  # fmt: skip
    if after is None or after.order is None:
        return Answered("refused", "moved on")
    return Answered("amended", after.order.status)


async def succeeded(engine: EngineHarness, order: Order) -> list[tuple[e.Purpose, str]]:
    """The order's transactions that the chain holds as successes."""
    signatures = [attempt.signature for attempt in order.attempts]
    if not signatures:
        return []
    while True:
        with contextlib.suppress(ChainUnavailableError):
            found = (await engine.chain.statuses(signatures, search_history=True)).found
            break
    return [
        (attempt.purpose, attempt.signature)
        for attempt, status in zip(order.attempts, found, strict=True)
        if status is not None and not status.failed
    ]


async def test_a_cancel_and_a_trigger_end_one_way_and_the_answer_was_true(engine: EngineHarness) -> None:
    race(engine)
    ids = await submitted(engine, RACES)
    answers = await answered(engine, ids, cancelled)
    kinds = set()
    for order_id, answer in zip(ids, answers, strict=True):
        order = await engine.until(order_id, lambda order: order.ended and not order.live_attempts, within=300)
        on_chain = await succeeded(engine, order)
        match answer.said:
            case "cancelled":
                assert (order.status, on_chain) == ("cancelled", [])
            case "tooLate":
                assert order.status == answer.status == "confirmed"
            case _:
                assert answer.status in ("pending", "routing", "building", "submitted")
        if order.status == "confirmed":
            assert order.fill and on_chain == [("swap", order.fill.tx_hash)]
        elif answer.said == "pending":
            assert order.status == "cancelled" and [purpose for purpose, _ in on_chain] in ([], ["cancel"])
        kinds.add((answer.said, order.status))
    assert len(kinds) > 1, kinds


async def test_an_amendment_and_a_trigger_end_one_way_and_the_answer_was_true(engine: EngineHarness) -> None:
    race(engine)
    ids = await submitted(engine, RACES // 2)
    answers = await answered(engine, ids, amended)
    for order_id, answer in zip(ids, answers, strict=True):
        topics = [event.topic for event in await engine.events.load(order_id)]
        if answer.said == "amended":
            order = await engine.order(order_id)
            assert (order.status, order.limit_price, order.attempts) == ("pending", FAR, ())
            assert topics == [e.OrderSubmitted.TOPIC, e.OrderAmended.TOPIC]
        else:
            order = await engine.until(order_id, lambda order: order.ended, within=300)
            assert order.status == "confirmed" and order.fill and e.OrderAmended.TOPIC not in topics
            assert await succeeded(engine, order) == [("swap", order.fill.tx_hash)]
    assert {answer.said for answer in answers} == {"amended", "refused"}
