"""What is wrong with a market run: by the chain's own figures, by each order's history, by reserves read beside it."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import psycopg

from bench.met import Sample, met_for, waits
from chains.wallet_history import Movement, WalletHistory
from domain import events as e
from domain.codes import meaning
from domain.evolve import fold
from domain.order import Order
from domain.triggers import limit_met, stop_met
from event_store.dsn import parse
from event_store.mapper import EventMapper

SETTLED = ("pending", "confirmed", "failed")
History = list[tuple[e.OrderEvent, datetime]]


@dataclass
class Verdict:
    """``wrong``: a sentence each. ``fired_after``: seconds from met at size to triggered, order by order."""

    wrong: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    transactions: int = 0
    rested: int = 0
    longest_met: float = 0.0
    fired_after: list[float] = field(default_factory=list)


def histories(database_url: str) -> dict[UUID, History]:
    """Each order's events with when they were recorded."""
    mapper, found = EventMapper(e.ORDER_EVENTS), defaultdict[UUID, History](list)
    with psycopg.connect(parse(database_url).conninfo) as connection:
        rows = connection.execute(
            "select stream_id, topic, state, recorded_at from events where topic like 'order.%' order by position"
        )
        for stream_id, topic, state, recorded_at in rows:
            event = mapper.load(topic, bytes(state))
            assert isinstance(event, e.OrderEvent)
            found[stream_id].append((event, recorded_at))
    return dict(found)


async def movements(node_url: str, wallet: str) -> dict[UUID, list[Movement]]:
    """What each order's transactions did to the wallet, read from the transactions themselves."""
    found = defaultdict[UUID, list[Movement]](list)
    async with WalletHistory(node_url) as history:
        async for page in history.pages(wallet):
            signatures = [entry.signature for entry in page if entry.memo]
            for movement in await asyncio.gather(*(history.movement(signature, wallet) for signature in signatures)):
                assert movement
                assert movement.memo
                found[movement.memo.order_id].append(movement)
    return dict(found)


def judge(
    orders: dict[UUID, History], moved: dict[UUID, list[Movement]], samples: Sequence[Sample], patience: float
) -> Verdict:
    """Every order held against its transactions, its terms and the reserves; met for ``patience`` s is too long."""
    verdict = Verdict(transactions=sum(map(len, moved.values())))
    for order_id in moved.keys() - orders.keys():
        verdict.wrong.append(f"{order_id}: the chain has its transaction, the log doesn't know it")
    for order_id, history in orders.items():
        order = fold(event for event, _ in history)
        assert order
        verdict.statuses[order.status] += 1
        verdict.rested += sum(isinstance(event, e.OrderRested) for event, _ in history)
        found = [] if order.status in SETTLED else [f"is still {order.status}"]
        found += [*_swapped(order, moved.get(order_id, [])), *_unjustified(history)]
        for wait in waits(history):
            longest, last = met_for(wait, samples)
            verdict.longest_met = max(verdict.longest_met, longest)
            if wait.end is not None:
                verdict.fired_after.append(last)
            if longest >= patience:
                found.append(f"was met at size for {longest:.1f} s from {wait.begin} on, and waited")
        verdict.wrong += [f"{order_id}: {what}" for what in found]
    return verdict


def _swapped(order: Order, moved: Sequence[Movement]) -> list[str]:
    """What the chain says against it: more than one swap, one that nobody asked for, one beyond the limit."""
    swaps = [movement.gained for movement in moved if not movement.failed]
    if len(swaps) != (1 if order.status == "confirmed" else 0):
        return [f"is {order.status} with {len(swaps)} successful transactions"]
    wrong, minimum = [], order.minimum_out
    for gained in swaps:
        paid, got = -gained.get(order.token_in.mint, 0), gained.get(order.token_out.mint, 0)
        if paid != order.amount_in or minimum is None or got < minimum:
            wrong.append(f"paid {paid} for {got}, the limit being {order.amount_in} for {minimum} or more")
        if order.fill and (order.fill.amount_in, order.fill.amount_out) != (paid, got):
            wrong.append(f"is recorded with {order.fill.amount_in} for {order.fill.amount_out}, not {paid} for {got}")
    return wrong


def _unjustified(history: History) -> list[str]:
    """Steps that the order's terms and what was observed don't justify."""
    terms, wrong, latched = history[0][0], [], False
    assert isinstance(terms, e.OrderSubmitted)
    order = fold([terms])
    assert order
    for event, _ in history:
        if isinstance(event, e.StopTriggered):
            latched = True
            if terms.stop_price is None or not stop_met(order.side, event.observation.touch, terms.stop_price):
                wrong.append(f"latched at {event.observation.touch}, the stop being {terms.stop_price}")
        if isinstance(event, e.OrderTriggered):
            seen = event.observation
            if not seen or not terms.limit_price or not limit_met(order.side, seen.touch, terms.limit_price):
                wrong.append(f"was triggered by {seen and seen.touch}, the limit being {terms.limit_price}")
            if terms.stop_price is not None and not latched:
                wrong.append("was triggered before its stop was reached")
        if isinstance(event, e.OrderFailed) and not meaning(event.code).final:
            wrong.append(f"failed for {event.code}, which passes")
    return wrong
