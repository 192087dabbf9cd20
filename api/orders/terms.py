"""The terms of an order, from a request's object: names and aliases, which belong together, then each value."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.config import ApiConfig
from api.orders import fields
from api.orders.document import Digits, Document, shown
from api.orders.fields import invalid
from domain.commands import SubmitOrder

_NAMES = (
    "tokenIn",
    "tokenOut",
    "amountIn",
    "type",
    "slippageBps",
    "clientOrderId",
    "limitPrice",
    "stopPrice",
)
_ALIASES = {"orderType": "type", "amount": "amountIn", "slippage": "slippageBps", "price": "limitPrice"}
_PRICES = {"market": (), "limit": ("limitPrice",), "stop-limit": ("stopPrice", "limitPrice")}


def terms(document: Document, config: ApiConfig, now: datetime) -> SubmitOrder:
    """The order that ``document`` asks for; raises ``Problem`` with the code and the field of the first fault.

    A field that is ``null`` counts as absent.
    """
    given = _Given(document)
    kind = _kind(given)
    token_in = fields.token(given.required("tokenIn"), config.tokens, "tokenIn")
    token_out = fields.token(given.required("tokenOut"), config.tokens, "tokenOut")
    if token_in.mint == token_out.mint:
        raise invalid("same_token", "tokenIn and tokenOut are the same token.", "tokenOut")
    amount_in = fields.amount(given.required("amountIn"), token_in, given.name("amountIn"))
    slippage = _slippage(given)
    reference = given.value("clientOrderId")
    client_order_id = None if reference is None else fields.client_order_id(reference, "clientOrderId")
    _prices(given, kind)
    if kind != "market":
        raise invalid("not_supported_yet", f"{kind} orders are not supported yet.", given.name("type"))
    return SubmitOrder(
        type="market",
        token_in=token_in,
        token_out=token_out,
        amount_in=amount_in,
        slippage_bps=config.default_slippage_bps if slippage is None else slippage,
        slippage_defaulted=slippage is None,
        client_order_id=client_order_id,
        deadline=now + config.order_deadline,
        network=config.network,
    )


class _Given:
    """What a request gives, by our names; ``name`` is the client's own word for it."""

    def __init__(self, document: Document) -> None:
        self._values: dict[str, Any] = {}
        self._names: dict[str, str] = {}
        for name, value in document.items():
            ours = _ALIASES.get(name, name)
            if ours not in _NAMES:
                raise invalid("unknown_field", f"An order has no field {shown(name)}.", shown(name))
            if ours in self._names:
                detail = f"{self._names[ours]} and {name} say the same; give one of them."
                raise invalid("conflicting_fields", detail, name)
            self._names[ours] = name
            self._values[ours] = value

    def name(self, ours: str) -> str:
        return self._names.get(ours, ours)

    def value(self, ours: str) -> Any:
        return self._values.get(ours)

    def required(self, ours: str) -> Any:
        value = self.value(ours)
        if value is None:
            raise invalid("missing_field", f"{ours} is needed.", ours)
        return value


def _kind(given: _Given) -> str:
    value = given.value("type")
    kind = "market" if value is None else value
    if not isinstance(kind, str) or isinstance(kind, Digits) or kind not in _PRICES:
        raise invalid("unknown_type", "An order is market, limit or stop-limit.", given.name("type"))
    return kind


def _slippage(given: _Given) -> int | None:
    value, name = given.value("slippageBps"), given.name("slippageBps")
    if value is None:
        return None
    return fields.slippage_fraction(value, name) if name == "slippage" else fields.slippage_bps(value, name)


def _prices(given: _Given, kind: str) -> None:
    needed = _PRICES[kind]
    for price in ("limitPrice", "stopPrice"):
        value, name = given.value(price), given.name(price)
        if price in needed:
            if value is None:
                raise invalid("missing_price", f"A {kind} order needs its {price}.", price)
            fields.price(value, name)
        elif value is not None:
            raise invalid("price_not_allowed", f"A {kind} order takes no {name}.", name)
