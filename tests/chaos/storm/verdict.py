"""The verdict on every invariant. Each check says what it found wrong; an empty list is a promise kept."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import psycopg

from domain import events as e
from domain.commands import ObservePrice
from domain.decide import decide
from domain.events import Observation
from domain.evolve import evolve, fold
from domain.order import Order
from tests.chaos.node import FaultyNode
from tests.chaos.storm.causes import unexplained
from tests.chaos.storm.clients import Placed
from tests.chaos.storm.monkey import Struck
from tests.chaos.storm.outside import ClosedGuards, Recorded
from tests.chaos.verdict import Landed, gained
from venues.prices import PairPrice

# A market order's deadline, its last attempt's validity and finality at 100 ms a slot, and what I1 grants beyond.
SETTLES_WITHIN = timedelta(seconds=120 + 15 + 4 + 30)
# How long a price has stood before an order that it meets is called neglected.
NOTICED_WITHIN = timedelta(seconds=10)

Message = tuple[int, int, str]
"""Sequence, timestamp, status."""

Histories = Mapping[UUID, Sequence[Recorded]]
Chain = Mapping[UUID, Sequence[Landed]]


def order_of(history: Sequence[Recorded]) -> Order:
    order = fold(one.event for one in history)
    assert order is not None
    return order


def lost(placed: Mapping[UUID, Placed], histories: Histories) -> list[str]:
    """Every order that was accepted is there, once, and every 202 of it was the same."""
    wrong = [f"{i}: accepted, and not in the log" for i, one in placed.items() if one.answers and i not in histories]
    wrong += [f"{order_id}: never accepted" for order_id, one in placed.items() if not (one.answers or one.wrong)]
    wrong += [f"{i}: repeated, and answered otherwise" for i, one in placed.items() if len(set(one.answers)) > 1]
    return wrong + [f"{order_id}: {what}" for order_id, one in placed.items() for what in one.wrong]


def nobodys(placed: Collection[UUID], histories: Histories, chain: Chain) -> list[str]:
    """Orders that the log or the chain has, and nobody placed."""
    wrong = [f"{order_id}: in the log, and nobody's" for order_id in histories.keys() - set(placed)]
    return wrong + [f"{order_id}: on the chain, and nobody's" for order_id in chain.keys() - set(placed)]


def on_its_way(histories: Histories) -> dict[UUID, datetime]:
    """Orders that neither ended nor rest, and when each was last triggered."""
    return {
        order_id: max(one.recorded_at for one in history if isinstance(one.event, e.OrderTriggered))
        for order_id, history in histories.items()
        if not (order := order_of(history)).ended and not order.waits_for_price
    }


def stuck(histories: Histories, healed: datetime) -> list[str]:
    """I1: what isn't resting has ended in its time, counted from when the faults were over."""
    overdue = datetime.now(UTC) - SETTLES_WITHIN
    return [
        f"{order_id}: {order_of(histories[order_id]).status} at version {histories[order_id][-1].version}"
        for order_id, triggered in on_its_way(histories).items()
        if max(triggered, healed) < overdue
    ]


def neglected(histories: Histories, prices: Mapping[str, PairPrice]) -> list[str]:
    """Orders that rest though the price that stands now meets them: nobody watches for them."""
    wrong, now = [], datetime.now(UTC) - NOTICED_WITHIN
    for order_id, history in histories.items():
        order = order_of(history)
        price = prices.get(order.pair.symbol)
        if not order.waits_for_price or price is None:
            continue
        seen = Observation(
            source="outside", pair=order.pair.symbol, slot=0, touch=price.touch(order.side), observed_at=now
        )
        at_size = price.out(order.side, order.amount_in) >= (order.minimum_out or 0)
        if decide(order, ObservePrice(seen, at_size, now)):
            wrong.append(f"{order_id}: {order.side} waits at a touch of {seen.touch}")
    return wrong


def duplicates(chain: Chain, guards: Mapping[str, set[str]]) -> list[str]:
    """I2: at most one transaction of an order succeeds, by memo; and by guard, which each makes one of."""
    swaps = {order_id: sum(one["err"] is None for one in found) for order_id, found in chain.items()}
    wrong = [f"{order_id}: {count} of its transactions succeeded" for order_id, count in swaps.items() if count > 1]
    made = Counter(guard for found in guards.values() for guard in found)
    wrong += [f"guard {guard} was made {count} times" for guard, count in made.items() if count > 1]
    return wrong + [
        f"{signature[:16]}... made {len(found)} guards" for signature, found in guards.items() if len(found) != 1
    ]


async def wrong_outcomes(histories: Histories, chain: Chain, node: FaultyNode, struck: Sequence[Struck]) -> list[str]:
    """I2: what the log says of an order is what the chain shows of it, and a failure has a cause."""
    wrong = [f"{order_id}: on the chain, and not in the log" for order_id in chain.keys() - histories.keys()]
    for order_id, history in histories.items():
        order, found = order_of(history), chain.get(order_id, ())
        swapped = [one["signature"] for one in found if one["err"] is None]
        said = [attempt.signature for attempt in [order.guard_taker] if attempt]
        if swapped != said:
            wrong.append(f"{order_id}: {order.status}, and the chain shows {len(swapped)} successes")
        elif order.fill and order.fill.amount_out != await gained(
            node, order.fill.tx_hash, order.token_out.mint, found[0]["wallet"]
        ):
            wrong.append(f"{order_id}: the chain shows another amount out")
        built = {one.event.signature for one in history if isinstance(one.event, e.TransactionBuilt)}
        wrong += [f"{order_id}: an unknown transaction landed" for one in found if one["signature"] not in built]
        # What an end leaves live is recorded after it.
        for last in history:
            if isinstance(last.event, e.OrderFailed):
                why = unexplained(last.event, history[0].recorded_at, last.recorded_at, struck)
                wrong += [f"{order_id}: {why}"] if why else []
    return wrong


def closed_early(histories: Histories, reclaims: Sequence[ClosedGuards], keep: timedelta) -> list[str]:
    """No guard was closed whose order hadn't ended for ``keep``, by the log's own clock; nor one of nobody's order."""
    wrong = []
    for reclaim in reclaims:
        for order_id in (order_id for guard in reclaim.guards for order_id in guard.order_ids):
            before = [one for one in histories.get(order_id, ()) if one.recorded_at <= reclaim.recorded_at]
            if not before or not order_of(before).ended:
                wrong.append(f"{order_id}: its guard was closed before it had ended")
            elif (since := reclaim.recorded_at - before[-1].recorded_at) < keep:
                wrong.append(f"{order_id}: its guard was closed {since.total_seconds():.1f} s after its last event")
    return wrong


def sent_before_durable(
    histories: Histories, reclaims: Sequence[ClosedGuards], first_sends: Mapping[str, float]
) -> list[str]:
    """I3: what the node saw had been recorded."""
    built = {
        one.event.signature: one.recorded_at.timestamp()
        for history in histories.values()
        for one in history
        if isinstance(one.event, e.TransactionBuilt)
    } | {one.signature: one.recorded_at.timestamp() for one in reclaims}
    wrong = [f"{signature[:16]}... was sent, and never recorded" for signature in first_sends.keys() - built.keys()]
    return wrong + [
        f"{signature[:16]}... was sent {recorded - first_sends[signature]:.3f} s before it was recorded"
        for signature, recorded in built.items()
        if first_sends.get(signature, recorded) < recorded
    ]


def streams(placed: Mapping[UUID, Placed], histories: Histories) -> list[str]:
    """I5: every subscriber saw every change once, in order."""
    wrong = []
    for order_id, one in placed.items():
        history = histories.get(order_id, ())
        seen = [(message["sequence"], message["timestamp"], message["status"]) for message in one.messages]
        expected, later = told(history, every=one.asked.events)
        if seen[: len(expected)] != expected or seen[len(expected) :] != later[: len(seen) - len(expected)]:
            wrong.append(f"{order_id}: its subscriber saw {[n for n, *_ in seen]}, not {[n for n, *_ in expected]}")
        elif history and order_of(history).ended and not one.closed:
            wrong.append(f"{order_id}: ended, and its stream stayed open")
    return wrong


def told(history: Sequence[Recorded], *, every: bool) -> tuple[list[Message], list[Message]]:
    """The messages that the log gives rise to, up to the order's end, with which a stream is closed; and those of what
    is recorded after it, which only who connects late is sent.
    """
    found: tuple[list[Message], list[Message]] = ([], [])
    order: Order | None = None
    for one in history:
        before, order = order, evolve(order, one.event)
        if every or before is None or order.status != before.status:
            is_later = before is not None and before.ended
            found[is_later].append((one.version, int(one.recorded_at.timestamp() * 1000), order.status))
    return found


def changeable(connect: Callable[[], psycopg.Connection[tuple[object, ...]]]) -> list[str]:
    """I7: PostgreSQL refuses to change or delete an event."""
    wrong = []
    for change in ("update events set topic = topic", "delete from events", "truncate events"):
        with connect() as connection:
            try:
                connection.execute(f"set search_path to surefill; {change}")
            except psycopg.errors.InsufficientPrivilege:
                continue
            wrong.append(f"`{change}` was carried out")
    return wrong


async def settled(histories: Callable[[], Histories], healed: datetime) -> None:
    """Return once nothing is on its way, or something has been for too long."""
    while on_its_way(now := await asyncio.to_thread(histories)) and not stuck(now, healed):
        await asyncio.sleep(2)
