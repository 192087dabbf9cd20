"""The rules of an order's several transactions, held against its events."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence

from solders.transaction import VersionedTransaction

from domain import events as e
from domain.decide_built import MOST_LIVE, live
from domain.evolve import evolve
from domain.order import Order

COMPUTE_BUDGET = "ComputeBudget111111111111111111111111111111"
_UNIT_LIMIT, _UNIT_PRICE = 2, 3
MICRO = 1_000_000


def broken_rules(events: Sequence[e.OrderEvent], *, most_priority_lamports: int) -> list[str]:
    """Those that one order's ``events`` break: one guard, at most three live swaps, no swap once it is to be cancelled
    or has ended, no end while something may still succeed, no more offered for priority than it may.
    """
    order: Order | None = None
    wrong, guards, offered = [], set(), 0
    for event in events:
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
    if offered > most_priority_lamports:
        wrong.append(f"its attempts offer {offered} lamports for priority, {most_priority_lamports} are allowed")
    return wrong


def priority_lamports(transaction: str) -> int:
    """What the signed transaction (base64) offers for priority at most, in lamports, by its own instructions."""
    message = VersionedTransaction.from_bytes(b64decode(transaction)).message
    said = {_UNIT_LIMIT: 0, _UNIT_PRICE: 0}
    for step in message.instructions:
        if str(message.account_keys[step.program_id_index]) == COMPUTE_BUDGET and step.data[0] in said:
            said[step.data[0]] = int.from_bytes(step.data[1:], "little")
    return -(-said[_UNIT_LIMIT] * said[_UNIT_PRICE] // MICRO)
