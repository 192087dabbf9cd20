"""The body of a submitted list in the OpenAPI document: each of its orders is as one alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from litestar.openapi.spec import Example, OpenAPIMediaType, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType

from api.openapi import DocumentedOperation, an_object
from api.orders.openapi import order_schema
from domain.legs import ORDERS_OF
from domain.twap_schedule import LEAST_EVERY_MS, LEAST_SLICES, MOST_EVERY_MS, MOST_SLICES

_SELL: dict[str, Any] = {"tokenIn": "SOL", "tokenOut": "USDC", "amountIn": "1"}
_OCO: dict[str, Any] = {
    "kind": "oco",
    "clientListId": "first-list",
    "legs": [{**_SELL, "type": "limit", "limitPrice": "500"}, {**_SELL, "type": "stop", "stopPrice": "5"}],
}
_BUY: dict[str, Any] = {"tokenIn": "USDC", "tokenOut": "SOL", "amountIn": "145", "type": "limit", "limitPrice": "145"}
_OTOCO: dict[str, Any] = {"kind": "otoco", "clientListId": "l-2", "legs": [_BUY, *_OCO["legs"]]}
_TWAP: dict[str, Any] = {
    "kind": "twap",
    "clientListId": "first-twap",
    "order": {**_SELL, "type": "limit", "limitPrice": "145"},
    "slices": 20,
    "everyMs": 3_000,
}


@dataclass
class SubmitListOperation(DocumentedOperation):
    """``bodies`` are the schemas of what may be posted, a kind of list each."""

    bodies: ClassVar[tuple[Schema, ...]] = (
        an_object(
            "LinkedOrdersRequest",
            ["kind", "legs"],
            kind=Schema(type=OpenAPIType.STRING, enum=list(ORDERS_OF)),
            clientListId=Schema(type=[OpenAPIType.STRING, OpenAPIType.NULL], pattern="^[A-Za-z0-9._:-]{1,64}$"),
            legs=Schema(type=OpenAPIType.ARRAY, items=order_schema(), min_items=2, max_items=3),
        ),
        an_object(
            "TwapRequest",
            ["kind", "clientListId", "order", "slices", "everyMs"],
            kind=Schema(type=OpenAPIType.STRING, enum=["twap"]),
            clientListId=Schema(type=OpenAPIType.STRING, pattern="^[A-Za-z0-9._:-]{1,64}$"),
            order=order_schema(),
            slices=Schema(type=OpenAPIType.INTEGER, minimum=LEAST_SLICES, maximum=MOST_SLICES),
            everyMs=Schema(type=OpenAPIType.INTEGER, minimum=LEAST_EVERY_MS, maximum=MOST_EVERY_MS),
        ),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        examples: dict[str, Any] = {
            "oco": Example(summary="Sell 1 SOL at 500 or better, or once it falls to 5", value=_OCO),
            "otoco": Example(summary="Buy SOL at 145; then sell 1 SOL by an oco", value=_OTOCO),
            "twap": Example(summary="Sell 1 SOL in 20 slices, one every 3 s, each at 145 or better", value=_TWAP),
        }
        content = OpenAPIMediaType(schema=Schema(one_of=list(self.bodies)), examples=examples)
        self.request_body = RequestBody(required=True, content={"application/json": content})
