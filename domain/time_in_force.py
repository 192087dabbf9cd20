"""How long an order stands: until it is filled (gtc) or ``expires_at`` (gtd), or for one try (ioc, fok).

A swap fills whole or not at all, so an `ioc` and a `fok` mean the same.
"""

from __future__ import annotations

from datetime import datetime

from domain import events as e
from domain.codes import Code, meaning
from domain.order import Order
from domain.quotes import Quote, Refusal
from domain.terms import OrderTerms

# Nobody was asked, or who was asked told nothing of the order: that was no try. The deadline still ends it.
_NO_TRY = frozenset(
    {
        Code.CHAIN_UNAVAILABLE,
        Code.SIGNER_UNAVAILABLE,
        Code.GUARD_UNPROVEN,
        Code.GUARD_TAKEN,
        Code.TRADING_HALTED,
        Code.DEADLINE_PASSED,
    }
)


def past_deadline(order: Order, now: datetime) -> bool:
    """Whether no further attempt may begin.

    One that may rest, and whose guard was there, isn't held to the deadline of its trigger: should a fork have taken
    the guard back, only a transaction of its own lets it rest again.
    """
    if is_expired(order, now):
        return True
    is_late = order.deadline is not None and now >= order.deadline
    return is_late and not (order.may_rest and order.is_taken_elsewhere)


def is_expired(order: OrderTerms, now: datetime) -> bool:
    return order.expires_at is not None and now >= order.expires_at


def overdue_code(order: Order, now: datetime) -> Code:
    """Why an order whose time is over is to end."""
    if is_expired(order, now):
        return Code.EXPIRED
    return Code.NOT_FILLED_AT_ONCE if order.is_immediate else Code.DEADLINE_PASSED


def cancelled_by_terms(
    order: Order, code: str, now: datetime, quotes: tuple[Quote, ...] = (), refusals: tuple[Refusal, ...] = ()
) -> list[e.OrderEvent]:
    """The order's end where its terms ask for one now that ``code`` stands in its way; nothing where they don't.

    Only for an order of which nothing may land.
    """
    if is_expired(order, now):
        ends_by = Code.EXPIRED
    elif order.is_immediate and (code not in _NO_TRY or past_deadline(order, now)):
        ends_by = Code.NOT_FILLED_AT_ONCE
    else:
        return []
    return [
        e.CancelRequested(code=ends_by, because=f"{code}: {meaning(code).sentence}"),
        e.OrderCancelled(code=ends_by, detail=meaning(ends_by).sentence, quotes=quotes, refusals=refusals),
    ]
