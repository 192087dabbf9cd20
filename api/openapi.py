"""What the OpenAPI document cannot learn from a handler's signature: the raw body, and the errors."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from api.problems import MEDIA_TYPE, ProblemDetails

_NUMBER = [Schema(type=OpenAPIType.STRING), Schema(type=OpenAPIType.NUMBER)]


def problems(*statuses: int) -> dict[int, ResponseSpec]:
    """The error answers of a route; ``500`` goes without saying."""
    return {
        status: ResponseSpec(
            ProblemDetails,
            generate_examples=False,
            description=HTTPStatus(status).phrase,
            media_type=MEDIA_TYPE,
        )
        for status in (*statuses, 500)
    }


@dataclass
class ExecuteOperation(Operation):
    """The body is read from its digits by ``api.orders.document``, so Litestar never sees a type for it."""

    def __post_init__(self) -> None:
        self.request_body = RequestBody(
            required=True,
            content={
                "application/json": OpenAPIMediaType(
                    schema=_order_request(),
                    examples={
                        "market": Example(summary="Sell 1.5 SOL", value=_MARKET),
                        "aliases": Example(summary="The same with the other names", value=_ALIASES),
                        "limit": Example(summary="Sell 1 SOL at 152 USDC or better", value=_LIMIT),
                        "stop-limit": Example(summary="Sell it once it falls to 145, for 144 or better", value=_STOP),
                    },
                )
            },
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
_STOP: dict[str, Any] = {**_LIMIT, "type": "stop-limit", "limitPrice": "144", "stopPrice": "145"}
_PRICE = "Quote tokens for one base token of the pair, more than zero, at most 18 significant digits."
_LIMIT_PRICE = f"{_PRICE} The order executes at it or better; not for market orders."
_STOP_PRICE = f"{_PRICE} For stop-limit orders: reached once, the order is a limit order."


def _order_request() -> Schema:
    token = "A token's symbol in any case, or its mint."  # noqa: S105 - not that kind of token
    kinds = ["market", "limit", "stop-limit"]
    return Schema(
        title="OrderRequest",
        type=OpenAPIType.OBJECT,
        description="`null` counts as absent; any other field is refused.",
        required=["tokenIn", "tokenOut"],
        one_of=[Schema(required=["amountIn"]), Schema(required=["amount"])],
        additional_properties=False,
        properties={
            "tokenIn": Schema(type=OpenAPIType.STRING, description=token),
            "tokenOut": Schema(type=OpenAPIType.STRING, description=token),
            "amountIn": Schema(one_of=_NUMBER, description="Token units of tokenIn, at most its decimals."),
            "amount": Schema(one_of=_NUMBER, description="Another name for amountIn."),
            "type": _nullable(Schema(type=OpenAPIType.STRING, enum=kinds, default="market")),
            "orderType": _nullable(Schema(type=OpenAPIType.STRING, enum=kinds, description="Another name for type.")),
            "slippageBps": _nullable(
                Schema(
                    type=OpenAPIType.INTEGER,
                    minimum=0,
                    maximum=10_000,
                    description="The most the fill may be below the first quote, in basis points.",
                )
            ),
            "slippage": _nullable(
                Schema(
                    type=OpenAPIType.NUMBER,
                    minimum=0,
                    maximum=1,
                    description="The same as a fraction, in steps of 0.0001.",
                )
            ),
            "clientOrderId": _nullable(
                Schema(
                    type=OpenAPIType.STRING,
                    pattern="^[A-Za-z0-9._:-]{1,64}$",
                    description="Your own id: with it a request is safe to repeat.",
                )
            ),
            "limitPrice": _nullable(Schema(one_of=_NUMBER, description=_LIMIT_PRICE)),
            "price": _nullable(Schema(one_of=_NUMBER, description="Another name for limitPrice.")),
            "stopPrice": _nullable(Schema(one_of=_NUMBER, description=_STOP_PRICE)),
        },
    )


def _nullable(schema: Schema) -> Schema:
    return Schema(any_of=[schema, Schema(type=OpenAPIType.NULL)], description=schema.description)
