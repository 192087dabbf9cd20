"""The terms of an order, from a request's object: names and aliases, which belong together, then each value."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from api.config import ApiConfig
from api.orders import fields
from api.orders.document import Digits, Document, shown
from api.orders.fields import invalid
from domain.numbers import U64_MAX
from domain.terms import OrderTerms, OrderType

NAMES = (
    "tokenIn",
    "tokenOut",
    "amountIn",
    "type",
    "slippageBps",
    "clientOrderId",
    "limitPrice",
    "stopPrice",
)
ALIASES = {"orderType": "type", "amount": "amountIn", "slippage": "slippageBps", "price": "limitPrice"}
_PRICES: dict[OrderType, tuple[str, ...]] = {
    "market": (),
    "limit": ("limitPrice",),
    "stop-limit": ("stopPrice", "limitPrice"),
}


def terms(document: Document, config: ApiConfig) -> OrderTerms:
    """The terms that ``document`` asks for; raises ``ProblemError`` with the code and the field of the first fault.

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
    prices = _prices(given, kind)
    asked = OrderTerms(
        type=kind,
        token_in=token_in,
        token_out=token_out,
        amount_in=amount_in,
        slippage_bps=config.default_slippage_bps if slippage is None else slippage,
        slippage_defaulted=slippage is None,
        limit_price=prices.get("limitPrice"),
        stop_price=prices.get("stopPrice"),
        client_order_id=client_order_id,
    )
    _require_reachable(asked, given.name("limitPrice"))
    return asked


class _Given:
    """What a request gives, by our names; ``name`` is the client's own word for it."""

    def __init__(self, document: Document) -> None:
        self._values: dict[str, Any] = {}
        self._names: dict[str, str] = {}
        for name, value in document.items():
            ours = ALIASES.get(name, name)
            if ours not in NAMES:
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


def _kind(given: _Given) -> OrderType:
    value = given.value("type")
    for kind in _PRICES:
        if value == kind and not isinstance(value, Digits):
            return kind
    if value is None:
        return "market"
    raise invalid("unknown_type", "An order is market, limit or stop-limit.", given.name("type"))


def _slippage(given: _Given) -> int | None:
    value, name = given.value("slippageBps"), given.name("slippageBps")
    if value is None:
        return None
    return fields.slippage_fraction(value, name) if name == "slippage" else fields.slippage_bps(value, name)


def _prices(given: _Given, kind: OrderType) -> dict[str, Decimal]:
    needed = _PRICES[kind]
    prices: dict[str, Decimal] = {}
    for price in ("limitPrice", "stopPrice"):
        value, name = given.value(price), given.name(price)
        if price in needed:
            if value is None:
                raise invalid("missing_price", f"A {kind} order needs its {price}.", price)
            prices[price] = fields.price(value, name)
        elif value is not None:
            raise invalid("price_not_allowed", f"A {kind} order takes no {name}.", name)
    return prices


def _require_reachable(asked: OrderTerms, field: str) -> None:
    if (asked.limit_minimum_out or 0) > U64_MAX:
        detail = f"At this {field} the order asks for more {asked.token_out.symbol} than the chain can count."
        raise invalid("limit_out_of_reach", detail, field)
