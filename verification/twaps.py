"""The streams of TWAPs, and their slices: each order is one slice of its list, with its terms, and none is left out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from uuid import UUID

from domain.account_event import AccountEvent
from domain.events import OrderEvent, OrderSubmitted
from domain.terms import OrderTerms
from domain.twap import Twap, twap
from event_store.hash_chain.verification import RESTORE, Finding


class Twaps:
    """Streams come in no order that means anything: what belongs together is compared once all were met."""

    def __init__(self) -> None:
        self._lists: dict[UUID, Twap] = {}
        self._slices: dict[UUID, dict[UUID, OrderTerms]] = {}

    def meet_list(self, list_id: UUID, events: Sequence[AccountEvent]) -> str | None:
        """Why the events of a stream fold to no list, a sentence; None where they do."""
        try:
            self._lists[list_id] = twap(list_id, events)
        except ValueError as fault:
            return str(fault)
        return None

    def meet_order(self, order_id: UUID, events: Sequence[OrderEvent]) -> None:
        if events and isinstance(events[0], OrderSubmitted) and events[0].parent_id is not None:
            self._slices.setdefault(events[0].parent_id, {})[order_id] = events[0]

    def differences(self, executed_elsewhere: Collection[UUID]) -> Iterator[Finding]:
        """Slices that their lists know nothing of, or have otherwise.

        Of the orders in ``executed_elsewhere`` the log has recorded that the chain shows a success it didn't sign: they
        are told whatever their list has refused meanwhile, and by no schedule.
        """
        for list_id, slices in self._slices.items():
            known = self._lists.get(list_id)
            for order_id, fault in _faults(known, slices, executed_elsewhere):
                yield Finding("streams", "differs", fault, RESTORE, order_id)


def _faults(
    known: Twap | None, slices: dict[UUID, OrderTerms], executed_elsewhere: Collection[UUID]
) -> Iterator[tuple[UUID, str]]:
    if known is None:
        yield from ((order_id, "the list that it is a slice of isn't in the log") for order_id in slices)
        return
    numbers = {order_id: number for number, order_id in enumerate(known.order_ids, 1)}
    for order_id, submitted in slices.items():
        number = numbers.get(order_id)
        if number is None:
            yield order_id, f"list {known.list_id} has no such slice"
        elif known.was_refused(number) and order_id not in executed_elsewhere:
            yield order_id, f"list {known.list_id} says that slice {number} was refused"
        elif not known.terms(number).same_as(submitted):
            yield order_id, f"its terms are not those of slice {number} of list {known.list_id}"
    scheduled = (order_id for order_id in slices if order_id not in executed_elsewhere)
    last = max((numbers.get(order_id, 0) for order_id in scheduled), default=0)
    for order_id, number in numbers.items():
        if number < last and order_id not in slices and not known.was_refused(number):
            yield order_id, f"slice {number} of list {known.list_id} is missing, and a later one was submitted"
