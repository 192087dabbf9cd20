"""What a client asks for: the fields of an order, the names each goes by, and how each value is read.

The parser of requests, the OpenAPI document and the options of `surefill submit` all follow from this one model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Self, get_args

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo

from api.orders import fields
from api.orders.document import Document, shown
from api.orders.fields import invalid
from domain.numbers import BPS
from domain.terms import OrderType, TimeInForce
from domain.tokens import Token, TokenList
from domain.triggers import out_of_reach

_TOKEN: dict[str, JsonValue] = {"type": "string"}
_NUMBER: dict[str, JsonValue] = {"oneOf": [{"type": "string"}, {"type": "number"}]}
_TYPE: dict[str, JsonValue] = {"type": "string", "enum": list(get_args(OrderType))}
_PRICE = "Quote tokens for one base token of the pair, more than zero, at most 18 significant digits."
_PRICES_OF: dict[OrderType, tuple[str, ...]] = {
    "market": (),
    "limit": ("limitPrice",),
    "stop": ("stopPrice",),
    "stop-limit": ("stopPrice", "limitPrice"),
    "trailing-stop": (),
}


AMOUNTS = ("amount_in", "amount_out")
"""The fields of which an order has one."""


class OrderRequest(BaseModel):
    """Values as read: amounts in base units, slippage in basis points, prices as exact decimals.

    Fields are read in this order, and the first fault is the answer. `json_schema_extra` is what a client may write.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: OrderType = Field(
        "market", validation_alias=AliasChoices("type", "orderType"), json_schema_extra={**_TYPE, "default": "market"}
    )
    token_in: Token = Field(
        validation_alias="tokenIn",
        description="A token's symbol in any case, or its mint.",
        json_schema_extra=_TOKEN,
    )
    token_out: Token = Field(
        validation_alias="tokenOut",
        description="A token's symbol in any case, or its mint.",
        json_schema_extra=_TOKEN,
    )
    amount_in: int | None = Field(
        None,
        validation_alias=AliasChoices("amountIn", "amount"),
        description="Token units of tokenIn, at most its decimals: what is given.",
        json_schema_extra=_NUMBER,
    )
    amount_out: int | None = Field(
        None,
        validation_alias="amountOut",
        description="In place of amountIn: token units of tokenOut, exactly what is got.",
        json_schema_extra=_NUMBER,
    )
    slippage_bps: int | None = Field(
        None,
        validation_alias="slippageBps",
        description="The most the fill may be worse than the first quote, in basis points.",
        json_schema_extra={"type": "integer", "minimum": 0, "maximum": BPS},
    )
    slippage: int | None = Field(
        None,
        validation_alias="slippage",
        description="The same as a fraction, in steps of 0.0001.",
        json_schema_extra={"type": "number", "minimum": 0, "maximum": 1},
    )
    client_order_id: str | None = Field(
        None,
        validation_alias="clientOrderId",
        description="Your own id: with it a request is safe to repeat. Neither `.` nor `..`.",
        json_schema_extra={"type": "string", "pattern": r"^(?!\.{1,2}$)[A-Za-z0-9._:-]{1,64}$"},
    )
    limit_price: Decimal | None = Field(
        None,
        validation_alias=AliasChoices("limitPrice", "price"),
        description=f"{_PRICE} The order executes at it or better; not for market orders.",
        json_schema_extra=_NUMBER,
    )
    stop_price: Decimal | None = Field(
        None,
        validation_alias="stopPrice",
        description=f"{_PRICE} For stop and stop-limit orders: reached once, the order is a market or a limit order.",
        json_schema_extra=_NUMBER,
    )

    trail_bps: int | None = Field(
        None,
        validation_alias="trailBps",
        description="For trailing stops: so far behind the best price since the order began is its stop.",
        json_schema_extra={"type": "integer", "minimum": 1, "maximum": BPS - 1},
    )
    time_in_force: TimeInForce = Field(
        "gtc",
        validation_alias="timeInForce",
        description="How long it stands: until it is filled (gtc, the default), for one try (ioc and fok), or until "
        "expiresAt (gtd).",
        json_schema_extra={"type": "string", "enum": ["gtc", "ioc", "fok", "gtd"], "default": "gtc"},
    )
    expires_at: datetime | None = Field(
        None,
        validation_alias="expiresAt",
        description="Of a gtd order: when it is cancelled if it isn't filled by then, as `2030-01-01T00:00:00Z`.",
        json_schema_extra={"type": "string", "format": "date-time"},
    )

    @field_validator("type", mode="plain")
    @classmethod
    def _read_type(cls, value: Any, info: ValidationInfo) -> OrderType:
        return fields.order_type(value, _word(info))

    @field_validator("token_in", "token_out", mode="plain")
    @classmethod
    def _read_token(cls, value: Any, info: ValidationInfo) -> Token:
        token = fields.token(_required(value, info), _reading(info).tokens, _word(info))
        if info.field_name == "token_out" and token.mint == info.data["token_in"].mint:
            raise invalid("same_token", "tokenIn and tokenOut are the same token.", "tokenOut")
        return token

    @field_validator("amount_in", mode="plain")
    @classmethod
    def _read_amount_in(cls, value: Any, info: ValidationInfo) -> int | None:
        return None if value is None else fields.amount(value, info.data["token_in"], _word(info))

    @field_validator("amount_out", mode="plain")
    @classmethod
    def _read_amount_out(cls, value: Any, info: ValidationInfo) -> int | None:
        if value is None:
            if info.data["amount_in"] is None:
                raise invalid("missing_field", "amountIn is needed, or amountOut in its place.", "amountIn")
            return None
        if info.data["amount_in"] is not None:
            word = _reading(info).words.get("amountIn", "amountIn")
            raise invalid("conflicting_fields", f"An order names {word} or amountOut, not both.", "amountOut")
        return fields.amount(value, info.data["token_out"], _word(info))

    @field_validator("slippage_bps", mode="plain")
    @classmethod
    def _read_slippage_bps(cls, value: Any, info: ValidationInfo) -> int | None:
        return None if value is None else fields.slippage_bps(value, _word(info))

    @field_validator("slippage", mode="plain")
    @classmethod
    def _read_slippage(cls, value: Any, info: ValidationInfo) -> int | None:
        return None if value is None else fields.slippage_fraction(value, _word(info))

    @field_validator("client_order_id", mode="plain")
    @classmethod
    def _read_client_order_id(cls, value: Any, info: ValidationInfo) -> str | None:
        return None if value is None else fields.client_order_id(value, _word(info))

    @field_validator("trail_bps", mode="plain")
    @classmethod
    def _read_trail_bps(cls, value: Any, info: ValidationInfo) -> int | None:
        return fields.trail_bps(value, info.data["type"], _word(info))

    @field_validator("time_in_force", mode="plain")
    @classmethod
    def _read_time_in_force(cls, value: Any, info: ValidationInfo) -> TimeInForce:
        return fields.time_in_force(value, _word(info))

    @field_validator("expires_at", mode="plain")
    @classmethod
    def _read_expires_at(cls, value: Any, info: ValidationInfo) -> datetime | None:
        return fields.expires_at(value, info.data["time_in_force"], _word(info))

    @field_validator("limit_price", "stop_price", mode="plain")
    @classmethod
    def _read_price(cls, value: Any, info: ValidationInfo) -> Decimal | None:
        kind, name, word = info.data["type"], _name(info), _word(info)
        if name in _PRICES_OF[kind]:
            if value is None:
                raise invalid("missing_price", f"A {kind} order needs its {name}.", name)
            return fields.price(value, word)
        if value is not None:
            raise invalid("price_not_allowed", f"A {kind} order takes no {word}.", word)
        return None

    @model_validator(mode="after")
    def _require_reachable(self, info: ValidationInfo) -> Self:
        if self.limit_price is None:
            return self
        word, tokens = _reading(info).words.get("limitPrice", "limitPrice"), (self.token_in, self.token_out)
        if detail := out_of_reach(*tokens, self.limit_price, self.amount_in or 0, self.amount_out, word):
            raise invalid("limit_out_of_reach", detail, word)
        return self


def names_of(field: FieldInfo) -> tuple[str, ...]:
    """The names a client may use for a field, ours first."""
    names = field.validation_alias
    return tuple(map(str, names.choices)) if isinstance(names, AliasChoices) else (str(names),)


ALIASES = {other: names_of(field)[0] for field in OrderRequest.model_fields.values() for other in names_of(field)[1:]}
_NAME_OF = {attribute: names_of(field)[0] for attribute, field in OrderRequest.model_fields.items()}
NAMES = tuple(_NAME_OF.values())
# Two fields, for their numbers are read in different units, and one term of an order.
_SAME_TERM = {**ALIASES, "slippage": "slippageBps"}


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the values of one request are read with; ``words`` are the client's own words for our names."""

    tokens: TokenList
    words: Mapping[str, str]


def order_request(document: Document, tokens: TokenList) -> OrderRequest:
    """The order that ``document`` asks for; raises ``ProblemError`` with the code and the field of the first fault.

    A field that is ``null`` counts as absent.
    """
    words: dict[str, str] = {}
    given: dict[str, str] = {}
    for word in document:
        name = ALIASES.get(word, word)
        if name not in NAMES:
            raise invalid("unknown_field", f"An order has no field {shown(word)}.", shown(word))
        if document[word] is None:
            continue
        term = _SAME_TERM.get(word, word)
        if term in given:
            raise invalid("conflicting_fields", f"{given[term]} and {word} say the same; give one of them.", word)
        given[term] = words[name] = word
    # Every field is read, the absent ones too: whether it is needed depends on the others.
    values = {name: document.get(words.get(name, name)) for name in NAMES}
    return OrderRequest.model_validate(values, context=_Reading(tokens, words))


def _reading(info: ValidationInfo) -> _Reading:
    reading: _Reading = info.context  # type: ignore[assignment]
    return reading


def _name(info: ValidationInfo) -> str:
    return _NAME_OF[info.field_name or ""]


def _word(info: ValidationInfo) -> str:
    name = _name(info)
    return _reading(info).words.get(name, name)


def _required(value: Any, info: ValidationInfo) -> Any:
    if value is None:
        raise invalid("missing_field", f"{_name(info)} is needed.", _name(info))
    return value
