"""What storms say of orders' several transactions, by the log and by the chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from tests.chaos.attempt_rules import broken_rules
from tests.chaos.storm.options import MAX_PRIORITY_FEE_LAMPORTS
from tests.chaos.storm.verdict import Histories, order_of
from tests.chaos.verdict import Landed


def against_the_rules(histories: Histories) -> list[str]:
    """The rules that orders' own events break."""
    most = MAX_PRIORITY_FEE_LAMPORTS
    return [
        f"{order_id}: {what}"
        for order_id, history in histories.items()
        for what in broken_rules([one.event for one in history], most_priority_lamports=most)
    ]


def wrongly_cancelled(histories: Histories, chain: Mapping[UUID, Sequence[Landed]]) -> list[str]:
    """A cancelled order has no swap on chain, a confirmed one no cancel; and what was to be cancelled has ended."""
    wrong = []
    for order_id, history in histories.items():
        order = order_of(history)
        succeeded = [one["memo"].endswith(":cancel") for one in chain.get(order_id, ()) if one["err"] is None]
        if order.status == "confirmed" and any(succeeded):
            wrong.append(f"{order_id}: confirmed, and its cancel succeeded")
        if order.ended and order.status != "confirmed" and not all(succeeded):
            wrong.append(f"{order_id}: {order.status}, and a swap of it succeeded")
        if order.cancellation and not order.ended:
            wrong.append(f"{order_id}: it was to be cancelled, and is {order.status}")
    return wrong
