"""Reading a list of linked orders (OCO, OTO, OTOCO): its orders are written as single ones are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from api.config import ApiConfig
from api.errors import ProblemError
from api.orders import fields
from api.orders.document import Document, shown
from api.orders.fields import invalid
from api.orders.request import order_request
from api.orders.terms import terms
from domain.legs import ORDERS_OF, LinkedKind, is_exclusive
from domain.terms import OrderTerms

_FIELDS = ("kind", "clientListId", "legs")


@dataclass(frozen=True, slots=True)
class LinkedRequest:
    kind: LinkedKind
    client_list_id: str | None
    legs: tuple[OrderTerms, ...]


def linked_request(document: Document, config: ApiConfig) -> LinkedRequest:
    """Raises ``ProblemError``; a fault of a leg is named by its place, as ``legs[1].amountIn``."""
    for name in document:
        if name not in _FIELDS:
            raise invalid("unknown_field", f"A list has no field {shown(name)}.", shown(name))
    kind = cast(LinkedKind, document["kind"])
    legs = _legs(kind, document.get("legs"), config)
    _require_alike(kind, legs)
    return LinkedRequest(kind, client_list_id(document.get("clientListId")), legs)


def client_list_id(value: Any) -> str | None:
    """1 to 64 of ``A-Za-z0-9._:-``; a ``null`` counts as absent."""
    return None if value is None else fields.client_order_id(value, "clientListId")


def _legs(kind: LinkedKind, value: Any, config: ApiConfig) -> tuple[OrderTerms, ...]:
    if value is None:
        raise invalid("missing_field", "legs is needed.", "legs")
    count = ORDERS_OF[kind]
    if not isinstance(value, list) or len(value) != count:
        raise invalid("wrong_leg_count", f"legs of an {kind} is a list of {count} orders.", "legs")
    return tuple(_leg(number, leg, config) for number, leg in enumerate(value))


def _leg(number: int, leg: Any, config: ApiConfig) -> OrderTerms:
    where = f"legs[{number}]"
    if not isinstance(leg, dict):
        raise ProblemError(400, "not_an_object", "Each leg is a JSON object.", field=where)
    try:
        asked = terms(order_request(leg, config.tokens), config)
    except ProblemError as fault:
        field = f"{where}.{fault.field}" if fault.field else where
        raise ProblemError(fault.status, fault.code, f"{where}: {fault.detail}", field=field) from None
    if asked.client_order_id is not None:
        detail = "A leg has no clientOrderId: its id follows from the list's clientListId."
        raise invalid("client_order_id_not_allowed", detail, f"{where}.clientOrderId")
    return asked


def _require_alike(kind: LinkedKind, legs: tuple[OrderTerms, ...]) -> None:
    """Orders that exclude each other do the same in two ways: they are of one pair and one direction."""
    exclusive = [leg for number, leg in enumerate(legs, 1) if is_exclusive(kind, number)]
    if len({(leg.token_in.mint, leg.token_out.mint) for leg in exclusive}) > 1:
        raise invalid("legs_differ", "The legs of an oco have one tokenIn and one tokenOut.", "legs")
