"""Changing the terms of an order that waits for its price. One that was triggered keeps those it was triggered with."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from domain import commands as c
from domain import events as e
from domain.errors import DomainError
from domain.evolve import evolve
from domain.order import Order
from domain.time_in_force import is_expired
from domain.triggers import out_of_reach


def amend(order: Order, command: c.AmendOrder) -> list[e.OrderEvent]:
    """One event with whatever differs, or none. Nothing of the order is on its way to the chain, so that no transaction
    has other terms than the order.

    Raises ``DomainError``: ``not_amendable``, ``price_not_allowed``, ``amount_not_allowed``,
    ``expires_at_not_allowed``, ``expires_at_passed``, ``limit_out_of_reach``.
    """
    _require_amendable(order, command.now)
    asked: dict[str, Any] = {
        "limit_price": command.limit_price,
        "stop_price": command.stop_price,
        "amount_in": command.amount_in,
        "amount_out": command.amount_out,
        "slippage_bps": command.slippage_bps,
        "expires_at": command.expires_at,
    }
    if command.expires_at is not None and order.expires_at is None:
        raise DomainError(
            "expires_at_not_allowed", "expiresAt is for orders whose timeInForce is gtd.", field="expiresAt"
        )
    if command.expires_at is not None and command.expires_at <= command.now:
        raise DomainError("expires_at_passed", "expiresAt has passed; nothing was recorded.", field="expiresAt")
    for name, word in (("limit_price", "limitPrice"), ("stop_price", "stopPrice")):
        if asked[name] is not None and getattr(order, name) is None:
            raise DomainError("price_not_allowed", f"A {order.type} order takes no {word}.", field=word)
    for name, word in (("amount_in", "amountIn"), ("amount_out", "amountOut")):
        if asked[name] is not None and not getattr(order, name):
            raise DomainError("amount_not_allowed", "The order names its other amount.", field=word)
        if asked[name] not in (None, getattr(order, name)) and order.parent_id:
            raise DomainError("amount_not_allowed", "A TWAP's slices keep their amounts.", field=word)
    changed = {name: value for name, value in asked.items() if value not in (None, getattr(order, name))}
    if not changed:
        return []
    if "stop_price" in changed and order.stop_reached:
        raise DomainError("not_amendable", "The order's stop was reached: it waits for its limit.", field="stopPrice")
    amended = e.OrderAmended(**changed, keeps_place=_only_less(order, changed))
    after = evolve(order, amended)
    limit, amounts = after.limit_price, (after.amount_in, after.amount_out)
    if limit is not None and (detail := out_of_reach(order.token_in, order.token_out, limit, *amounts)):
        raise DomainError("limit_out_of_reach", detail, field="limitPrice")
    return [amended]


def _require_amendable(order: Order, now: datetime) -> None:
    if order.ended or order.cancellation:
        state = "is to be cancelled" if order.cancellation and not order.ended else f"is {order.status}"
        raise DomainError("not_amendable", f"The order {state}.")
    if not order.waits_for_price or order.live_attempt or order.unproven_attempt:
        raise DomainError("not_amendable", f"The order is {order.status}: only one that waits for its price changes.")
    if is_expired(order, now):
        # It is about to be cancelled: an amendment that is taken now would be a promise that nobody keeps.
        raise DomainError("not_amendable", "The order has expired.")


def _only_less(order: Order, changed: dict[str, Any]) -> bool:
    """Whether nobody who waits behind the order has the worse of it."""
    [name, *others] = changed
    return name in ("amount_in", "amount_out") and not others and changed[name] < getattr(order, name)
