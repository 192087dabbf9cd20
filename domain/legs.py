"""Orders that belong together: which of a list's orders an order is, and what follows from that alone.

An OCO is two orders of which one is filled at most; an OTO's second order begins once the first is filled; an OTOCO's
first order is followed by an OCO. All of a list's orders are recorded in one append.
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import Field

from domain.quotes import Recorded

LinkedKind = Literal["oco", "oto", "otoco"]

ORDERS_OF: dict[LinkedKind, int] = {"oco": 2, "oto": 2, "otoco": 3}
"""Of how many orders a list of each kind is."""


class Leg(Recorded):
    """An order's place in its list: ``number`` counts from 1. ``client_list_id`` is the client's own id of the list."""

    list_id: UUID
    kind: LinkedKind
    number: int
    client_list_id: Annotated[str | None, Field(exclude_if=lambda given: given is None)] = None

    @property
    def follows_first(self) -> bool:
        """Whether the order begins only once the first one of its list is filled."""
        return self.kind != "oco" and self.number > 1

    @property
    def is_followed(self) -> bool:
        """Whether the list's other orders begin only once this one is filled."""
        return self.kind != "oco" and self.number == 1

    @property
    def is_exclusive(self) -> bool:
        """Whether the order and another one of its list exclude each other: they share one guard."""
        return is_exclusive(self.kind, self.number)

    @property
    def others(self) -> tuple[UUID, ...]:
        """The ids of the list's other orders."""
        numbers = range(1, ORDERS_OF[self.kind] + 1)
        return tuple(leg_id(self.list_id, number) for number in numbers if number != self.number)

    @property
    def sharing(self) -> tuple[UUID, ...]:
        """The ids of the other orders that share its guard."""
        if not self.is_exclusive:
            return ()
        numbers = range(1, ORDERS_OF[self.kind] + 1)
        sharing = [number for number in numbers if number != self.number and is_exclusive(self.kind, number)]
        return tuple(leg_id(self.list_id, number) for number in sharing)


def is_exclusive(kind: LinkedKind, number: int) -> bool:
    """Whether the list's order ``number`` is one of those of which one is filled at most."""
    return kind == "oco" or (kind == "otoco" and number > 1)


def ended_with(leg: Leg) -> tuple[UUID, ...]:
    """The list's other orders that end, if they haven't, with a cancel of this one: those that exclude each other with
    it, and those that would begin after it.
    """
    return leg.others if leg.kind != "oco" and leg.number == 1 else leg.sharing


def leg_id(list_id: UUID, number: int) -> UUID:
    """The id of a list's order, the same whenever and wherever it is asked for."""
    return uuid5(list_id, f"leg:{number}")


def guard_name(order_id: UUID, leg: Leg | None) -> UUID:
    """What the address of an order's guard is made from: orders that exclude each other have one between them."""
    return leg.list_id if leg is not None and leg.is_exclusive else order_id
