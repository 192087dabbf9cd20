"""Reading a TWAP: the order as a single one is written, in how many slices, and how far apart."""

from __future__ import annotations

from typing import Any

from api.config import ApiConfig
from api.errors import ProblemError
from api.orders import fields
from api.orders.document import Digits, Document, shown
from api.orders.fields import invalid
from api.orders.request import order_request
from api.orders.terms import terms
from api.problem_table import PROBLEMS
from domain.errors import DomainError
from domain.terms import OrderTerms
from domain.twap_events import TwapSubmitted
from domain.twap_schedule import require_sliceable

_FIELDS = ("kind", "clientListId", "order", "slices", "everyMs")
_OF_THE_LIST = frozenset({"slices", "everyMs"})


def twap_request(document: Document, config: ApiConfig, network: str) -> TwapSubmitted:
    """Raises ``ProblemError``; a fault of the order is named by its place, as ``order.amountIn``."""
    for name in document:
        if name not in _FIELDS:
            raise invalid("unknown_field", f"A TWAP has no field {shown(name)}.", shown(name))
    for name in _FIELDS:
        if document.get(name) is None:
            raise invalid("missing_field", f"{name} is needed.", name)
    client_list_id = fields.client_order_id(document["clientListId"], "clientListId")
    order = _order(document["order"], config)
    slices, every_ms = _whole(document["slices"]), _whole(document["everyMs"])
    try:
        require_sliceable(order, slices, every_ms)
    except DomainError as refused:
        field = refused.field if refused.field in _OF_THE_LIST else f"order.{refused.field}"
        raise ProblemError(PROBLEMS[refused.code].status, refused.code, refused.detail, field=field) from None
    return TwapSubmitted(
        client_list_id=client_list_id,
        order=order,
        slices=slices,
        every_ms=every_ms,
        network=network,
        paper=config.paper,
    )


def _order(value: Any, config: ApiConfig) -> OrderTerms:
    """A limit order that doesn't say how long it stands is tried once a slice: `ioc`."""
    if not isinstance(value, dict):
        raise ProblemError(400, "not_an_object", "order is one JSON object.", field="order")
    try:
        asked = terms(order_request(value, config.tokens), config)
    except ProblemError as fault:
        raise ProblemError(
            fault.status,
            fault.code,
            f"order: {fault.detail}",
            field=f"order.{fault.field}" if fault.field else "order",
        ) from None
    if asked.type == "limit" and value.get("timeInForce") is None:
        return asked.model_copy(update={"time_in_force": "ioc"})
    return asked


def _whole(value: Any) -> int:
    """A whole number; whatever else is written is one that no bounds take."""
    is_whole = isinstance(value, Digits) and value.isascii() and value.isdigit() and len(value) <= 9
    return int(value) if is_whole else -1
