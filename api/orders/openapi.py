"""The body of a submitted order in the OpenAPI document: its schema follows from ``OrderRequest``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from litestar.openapi.spec import Example, OpenAPIMediaType, Reference, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from api.openapi import DocumentedOperation
from api.orders.request import AMOUNTS, OrderRequest, names_of


@dataclass
class ExecuteOperation(DocumentedOperation):
    """The body is read from its digits, and Litestar sees no type for it: the schema follows from ``OrderRequest``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.request_body = _json_body(
            order_schema(),
            {
                "market": Example(summary="Sell 1.5 SOL", value=_MARKET),
                "aliases": Example(summary="The same with the other names", value=_ALIASES),
                "limit": Example(summary="Sell 1 SOL at 152 USDC or better", value=_LIMIT),
                "exact-out": Example(summary="Buy exactly 1.5 SOL", value=_EXACT_OUT),
                "stop": Example(summary="Sell it once it falls to 145", value=_STOP_MARKET),
                "trailing-stop": Example(summary="Sell it once it is 0.5 % below its highest price", value=_TRAILING),
                "stop-limit": Example(summary="Sell it once it falls to 145, for 144 or better", value=_STOP),
            },
        )


@dataclass
class BatchOperation(DocumentedOperation):
    """The same for a list of orders."""

    def __post_init__(self) -> None:
        super().__post_init__()
        two = [{**_MARKET, "clientOrderId": f"b-{number}"} for number in (1, 2)]
        self.request_body = _json_body(
            Schema(
                title="BatchRequest",
                type=OpenAPIType.OBJECT,
                required=["orders"],
                additional_properties=False,
                properties={"orders": Schema(type=OpenAPIType.ARRAY, items=order_schema(), min_items=1, max_items=100)},
            ),
            {"two": Example(summary="Sell 1.5 SOL twice", value={"orders": two})},
        )


_MARKET: dict[str, Any] = {
    "tokenIn": "SOL",
    "tokenOut": "USDC",
    "amountIn": "1.5",
    "type": "market",
    "slippageBps": 50,
    "clientOrderId": "a-1",
}
_ALIASES: dict[str, Any] = {"tokenIn": "SOL", "tokenOut": "USDC", "amount": 1.5, "slippage": 0.005}
_LIMIT: dict[str, Any] = {"tokenIn": "SOL", "tokenOut": "USDC", "amountIn": "1", "type": "limit", "limitPrice": "152"}
_EXACT_OUT: dict[str, Any] = {"tokenIn": "USDC", "tokenOut": "SOL", "amountOut": "1.5", "slippageBps": 50}
_STOP_MARKET: dict[str, Any] = {**_MARKET, "type": "stop", "stopPrice": "145", "clientOrderId": "a-2"}
_TRAILING: dict[str, Any] = {**_MARKET, "type": "trailing-stop", "trailBps": 50, "clientOrderId": "a-3"}
_STOP: dict[str, Any] = {**_LIMIT, "type": "stop-limit", "limitPrice": "144", "stopPrice": "145"}


def _json_body(schema: Schema, examples: dict[str, Example | Reference]) -> RequestBody:
    return RequestBody(required=True, content={"application/json": OpenAPIMediaType(schema=schema, examples=examples)})


def order_schema() -> Schema:
    """An order as a client writes it."""
    required: list[str] = []
    properties: dict[str, Reference | Schema] = {}
    amounts: dict[str, Schema] = {}
    for attribute, field in OrderRequest.model_fields.items():
        name, *others = names_of(field)
        own = dict(cast(dict[str, Any], field.json_schema_extra))
        properties[name] = _property(own, field.description, required=field.is_required())
        own.pop("default", None)
        for other in others:
            properties[other] = _property(own, f"Another name for {name}.", required=field.is_required())
        if attribute in AMOUNTS:
            amounts |= dict.fromkeys((name, *others), _schema(own))
        elif field.is_required():
            required.append(name)
    return Schema(
        title="OrderRequest",
        type=OpenAPIType.OBJECT,
        description="`null` counts as absent; any other field is refused.",
        required=required,
        one_of=[_alone(name, amounts) for name in amounts],
        additional_properties=False,
        properties=properties,
    )


def _alone(name: str, amounts: Mapping[str, Schema]) -> Schema:
    """One of the ``amounts`` is given, and no other."""
    others: dict[str, Reference | Schema] = {other: Schema(type=OpenAPIType.NULL) for other in amounts if other != name}
    return Schema(required=[name], properties={name: amounts[name], **others})


def _property(own: dict[str, Any], description: str | None, *, required: bool) -> Schema:
    schema = _schema({**own, "description": description})
    if required:
        return schema
    return Schema(any_of=[schema, Schema(type=OpenAPIType.NULL)], description=description)


def _schema(own: dict[str, Any]) -> Schema:
    """A JSON schema of one value as Litestar writes it."""
    named = {name: value for name, value in own.items() if name not in {"type", "oneOf"}}
    return Schema(
        type=OpenAPIType(own["type"]) if "type" in own else None,
        one_of=[_schema(form) for form in own["oneOf"]] if "oneOf" in own else None,
        **named,
    )
