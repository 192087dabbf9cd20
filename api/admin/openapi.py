"""The bodies of admin routes in the OpenAPI document: they are read from their digits, so Litestar sees no type."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from litestar.openapi.spec import Schema
from litestar.openapi.spec.enums import OpenAPIType

from api.openapi import BodyOperation, an_object, or_null
from domain.directory_events import SCOPES
from domain.trading_state import TRADING_STATES

_TEXT = Schema(type=OpenAPIType.STRING)


@dataclass
class AccountOperation(BodyOperation):
    body: ClassVar[Schema] = an_object(
        "AccountRequest",
        ["name"],
        name=Schema(type=OpenAPIType.STRING, pattern="^[a-z0-9](?:[a-z0-9._-]{0,38}[a-z0-9])?$"),
    )
    example: ClassVar[Any] = {"name": "desk"}


_AMOUNT = Schema(one_of=[Schema(type=OpenAPIType.STRING), Schema(type=OpenAPIType.NUMBER)])
_NAMES = Schema(type=OpenAPIType.ARRAY, items=_TEXT)


@dataclass
class LimitsOperation(BodyOperation):
    body: ClassVar[Schema] = an_object(
        "LimitsRequest",
        [],
        maxOrderNotional=or_null(_AMOUNT, "What an order may be worth, in USDC."),
        maxOpenOrders=or_null(Schema(type=OpenAPIType.INTEGER, minimum=0), "How many may be open at a time."),
        maxDailyNotional=or_null(_AMOUNT, "What may be submitted in a day, UTC, in USDC."),
        maxOpenNotional=or_null(_AMOUNT, "What all open orders may be worth together, in USDC."),
        ordersPerMinute=or_null(Schema(type=OpenAPIType.INTEGER, minimum=1), "In a moving window."),
        pairs=or_null(_NAMES, "These pairs alone, as `SOL/USDC`."),
        venues=or_null(_NAMES, "These venues alone."),
        priceBandBps=or_null(
            Schema(type=OpenAPIType.INTEGER, minimum=0), "How far a price may be from the market's, in basis points."
        ),
    )
    example: ClassVar[Any] = {"maxOrderNotional": "10000", "maxOpenOrders": 50, "pairs": ["SOL/USDC"]}


@dataclass
class TradingStateOperation(BodyOperation):
    body: ClassVar[Schema] = an_object(
        "TradingStateRequest",
        ["scope", "state", "because"],
        scope=Schema(type=OpenAPIType.STRING, description="`engine`, `account:NAME` or `venue:NAME`."),
        state=Schema(type=OpenAPIType.STRING, enum=list(TRADING_STATES)),
        because=Schema(type=OpenAPIType.STRING, min_length=1, max_length=200, description="Kept in the log."),
        cancelLive=or_null(Schema(type=OpenAPIType.BOOLEAN, default=False), "Cancel, by the chain, what is in flight."),
    )
    example: ClassVar[Any] = {"scope": "engine", "state": "active", "because": "prices are right again"}


@dataclass
class KeyOperation(BodyOperation):
    body: ClassVar[Schema] = an_object(
        "KeyRequest",
        ["account", "scopes"],
        account=_TEXT,
        scopes=Schema(type=OpenAPIType.ARRAY, items=Schema(type=OpenAPIType.STRING, enum=list(SCOPES)), min_items=1),
        expiresIn=or_null(Schema(type=OpenAPIType.STRING, pattern="^[0-9]{1,9}[smhd]$"), "For ever if absent."),
    )
    example: ClassVar[Any] = {"account": "default", "scopes": ["read", "trade"], "expiresIn": "30d"}
