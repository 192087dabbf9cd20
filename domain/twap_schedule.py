"""When the slices of a TWAP are due, and how much each of them swaps: exact, whatever the amount."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID, uuid5

from domain.errors import DomainError
from domain.terms import OrderTerms

LEAST_SLICES, MOST_SLICES = 2, 1_000
LEAST_EVERY_MS, MOST_EVERY_MS = 1_000, 86_400_000


def slice_id(list_id: UUID, number: int) -> UUID:
    """The id of slice ``number``, from 1 on: the same one whenever it is submitted, and so the same guard."""
    return uuid5(list_id, f"slice:{number}")


@lru_cache(maxsize=256)  # each id is a hash, and the same lists are asked about again and again
def slice_ids(list_id: UUID, slices: int) -> tuple[UUID, ...]:
    """The ids of all slices, the first to the last."""
    return tuple(slice_id(list_id, number) for number in range(1, slices + 1))


def slice_amount(total: int, slices: int, number: int) -> int:
    """Base units of slice ``number``: all slices get the same, and the last ones one more where that leaves a rest."""
    each, rest = divmod(total, slices)
    return each + (number > slices - rest)


def slice_terms(order: OrderTerms, slices: int, number: int) -> OrderTerms:
    """The terms of slice ``number`` of ``order``."""
    return order.model_copy(update={"amount_in": slice_amount(order.amount_in, slices, number)})


def next_due(due: datetime, every: timedelta, submitted_at: datetime) -> datetime:
    """When the slice after the one that was ``due`` then is due.

    A little late is made up for. One that was late by half of ``every`` or more moves all that follow it: what was
    missed never comes in a burst, and two slices are never closer than half of ``every``.
    """
    late = submitted_at - due
    return (due if late < every / 2 else submitted_at) + every


def require_sliceable(order: OrderTerms, slices: int, every_ms: int) -> None:
    """Raises ``DomainError``: ``invalid_slices``, ``invalid_every_ms``, ``not_sliceable``, ``slice_too_small``."""
    if not LEAST_SLICES <= slices <= MOST_SLICES:
        raise DomainError(
            "invalid_slices", f"slices is a whole number from {LEAST_SLICES} to {MOST_SLICES}.", field="slices"
        )
    if not LEAST_EVERY_MS <= every_ms <= MOST_EVERY_MS:
        detail = f"everyMs is a whole number from {LEAST_EVERY_MS} to {MOST_EVERY_MS}."
        raise DomainError("invalid_every_ms", detail, field="everyMs")
    if order.type not in ("market", "limit"):
        raise DomainError("not_sliceable", f"A {order.type} order isn't sliced: market and limit are.", field="type")
    if order.time_in_force == "gtd":
        raise DomainError(
            "not_sliceable", "A slice is gtc, ioc or fok: the schedule says how long it goes on.", field="timeInForce"
        )
    if order.client_order_id is not None:
        detail = "The slices get their ids from the list: name the whole by clientListId."
        raise DomainError("not_sliceable", detail, field="clientOrderId")
    if order.amount_out is not None:
        raise DomainError("not_sliceable", "A TWAP says what it pays, by amountIn.", field="amountOut")
    if order.amount_in < slices:
        detail = f"{slices} slices of so small an amount would swap nothing."
        raise DomainError("slice_too_small", detail, field="amountIn")
