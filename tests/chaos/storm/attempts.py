"""The rules of an order's several transactions, held against what the log and the chain show."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from uuid import UUID

from solders.transaction import VersionedTransaction

from domain import events as e
from domain.decide_built import MOST_LIVE, live
from domain.evolve import evolve
from domain.order import Order
from tests.chaos.storm.options import MAX_PRIORITY_FEE_LAMPORTS
from tests.chaos.storm.outside import Recorded
from tests.chaos.verdict import Landed

COMPUTE_BUDGET = "ComputeBudget111111111111111111111111111111"
_UNIT_LIMIT, _UNIT_PRICE = 2, 3
MICRO = 1_000_000

Histories = Mapping[UUID, Sequence[Recorded]]


def against_the_rules(histories: Histories) -> list[str]:
    """One guard an order, at most three live swaps, no swap once it is to be cancelled or has ended, no end while
    something may still succeed, no more offered for priority than it may.
    """
    return [f"{order_id}: {what}" for order_id, history in histories.items() for what in _broken(history)]


def _broken(history: Sequence[Recorded]) -> list[str]:
    order: Order | None = None
    wrong, guards, offered = [], set(), 0
    for one in history:
        event = one.event
        if isinstance(event, e.TransactionBuilt) and order is not None:
            guards.add(event.guard)
            offered += priority_lamports(event.transaction)
            if order.ended:
                wrong.append(f"attempt {event.attempt} was built after its end")
            if event.purpose == "swap" and order.cancellation:
                wrong.append(f"swap {event.attempt} was built after its cancel was requested")
            if len(live(order, event.purpose)) >= MOST_LIVE:
                wrong.append(f"{event.purpose} {event.attempt} was built beside {MOST_LIVE} live ones")
        without_cancel = isinstance(event, e.OrderFailed | e.OrderCancelled) and event.evidence is None
        if order is not None and order.live_attempts and (without_cancel or isinstance(event, e.OrderRested)):
            wrong.append(f"{type(event).__name__} while attempt {order.live_attempts[-1].number} was live")
        order = evolve(order, event)
    if len(guards) > 1:
        wrong.append(f"its attempts make {len(guards)} guards")
    if offered > MAX_PRIORITY_FEE_LAMPORTS:
        wrong.append(f"its attempts offer {offered} lamports for priority, {MAX_PRIORITY_FEE_LAMPORTS} are allowed")
    return wrong


def priority_lamports(transaction: str) -> int:
    """What the signed transaction (base64) offers for priority at most, in lamports, by its own instructions."""
    message = VersionedTransaction.from_bytes(b64decode(transaction)).message
    said = {_UNIT_LIMIT: 0, _UNIT_PRICE: 0}
    for step in message.instructions:
        if str(message.account_keys[step.program_id_index]) == COMPUTE_BUDGET and step.data[0] in said:
            said[step.data[0]] = int.from_bytes(step.data[1:], "little")
    return -(-said[_UNIT_LIMIT] * said[_UNIT_PRICE] // MICRO)


def wrongly_cancelled(histories: Histories, chain: Mapping[UUID, Sequence[Landed]]) -> list[str]:
    """A cancelled order has no swap on chain, a confirmed one no cancel; and what was to be cancelled has ended."""
    wrong = []
    for order_id, history in histories.items():
        order = None
        for one in history:
            order = evolve(order, one.event)
        succeeded = [one["memo"].endswith(":cancel") for one in chain.get(order_id, ()) if one["err"] is None]
        if order is None:
            continue
        if order.status == "confirmed" and any(succeeded):
            wrong.append(f"{order_id}: confirmed, and its cancel succeeded")
        if order.ended and order.status != "confirmed" and not all(succeeded):
            wrong.append(f"{order_id}: {order.status}, and a swap of it succeeded")
        if order.cancellation and not order.ended:
            wrong.append(f"{order_id}: it was to be cancelled, and is {order.status}")
    return wrong
