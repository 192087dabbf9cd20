"""PUT /api/admin/accounts/{name}/limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from litestar import Controller, Request, put
from litestar.openapi.spec import Example
from litestar.params import PathParameter
from pydantic import Field

from api.admin import bodies
from api.admin.accounts import account_named
from api.admin.openapi import LimitsOperation
from api.callers.caller import InjectedCaller
from api.callers.rules import ADMIN
from api.openapi import problems
from api.orders import fields
from api.orders.document import BODY_LIMIT, Digits
from api.services import InjectedServices, Services
from domain.limits import Limits
from domain.numbers import plain
from domain.tokens import pair_of
from projections.order_view import View

_MOST = 1_000_000_000
Name = Annotated[
    str, PathParameter(description="The account's name.", examples=[Example(summary="default", value="default")])
]


class LimitsView(View):
    """Null is no limit. Notional is in USDC."""

    max_order_notional: str | None = Field(examples=["10000"])
    max_open_orders: int | None
    max_daily_notional: str | None
    orders_per_minute: int | None
    pairs: list[str] | None
    venues: list[str] | None
    price_band_bps: int | None


class LimitsController(Controller):
    path = "/api/admin"
    tags = ("admin",)
    opt = ADMIN

    @put(
        "/accounts/{name:str}/limits",
        status_code=200,
        request_max_body_size=BODY_LIMIT,
        operation_class=LimitsOperation,
        operation_id="setLimits",
        summary="Set an account's limits",
        response_description="The limits as they are now.",
        responses=problems(
            *("invalid_json", "unsupported_media_type", "unknown_field", "invalid_field", "account_not_found"),
            "log_unavailable",
        ),
    )
    async def set_limits(
        self, request: Request[Any, Any, Any], services: InjectedServices, caller: InjectedCaller, name: Name
    ) -> LimitsView:
        """A field that is absent stays as it is; `null` lifts one. Orders that were taken before stay."""
        document = bodies.read_document(await request.body(), request.headers.get("content-type"), READERS)
        account = account_named(services, name)
        changed = {_FIELDS[key]: None if value is None else READERS[key](services, value, key)
                   for key, value in document.items()}  # fmt: skip
        limits = account.limits.model_copy(update=changed)
        await services.directory.set_limits(account.account_id, limits, by=caller.shown)
        return limits_view(limits)


def limits_view(limits: Limits) -> LimitsView:
    return LimitsView(
        max_order_notional=None if limits.max_order_notional is None else plain(limits.max_order_notional),
        max_open_orders=limits.max_open_orders,
        max_daily_notional=None if limits.max_daily_notional is None else plain(limits.max_daily_notional),
        orders_per_minute=limits.orders_per_minute,
        pairs=None if limits.pairs is None else list(limits.pairs),
        venues=None if limits.venues is None else list(limits.venues),
        price_band_bps=limits.price_band_bps,
    )


def _notional(_: Services, value: Any, name: str) -> Any:
    return fields.price(value, name)


def _count(least: int) -> Callable[[Services, Any, str], int]:
    def read(_: Services, value: Any, name: str) -> int:
        if isinstance(value, Digits) and value.isascii() and value.isdigit() and least <= int(value[:12]) <= _MOST:
            return int(value)
        raise bodies.invalid_field(f"{name} is a whole number, {least} to {_MOST}.", name)

    return read


def _texts(value: Any, name: str) -> list[str]:
    if not isinstance(value, list) or any(not isinstance(one, str) or isinstance(one, Digits) for one in value):
        raise bodies.invalid_field(f"{name} is a list of text.", name)
    return value


def _pairs(services: Services, value: Any, name: str) -> tuple[str, ...]:
    found = []
    for text in _texts(value, name):
        tokens = [services.config.tokens.find(one) for one in text.split("/")]
        if len(tokens) != 2 or tokens[0] is None or tokens[1] is None or tokens[0] == tokens[1]:
            raise bodies.invalid_field(f"{name} names a pair that isn't known here; GET /api/pairs lists them.", name)
        found.append(pair_of(tokens[0], tokens[1]).symbol)
    return tuple(dict.fromkeys(found))


def _venues(services: Services, value: Any, name: str) -> tuple[str, ...]:
    known = {venue.casefold(): venue for group in services.venues for venue in group.venues}
    found = [known.get(text.casefold()) for text in _texts(value, name)]
    if None in found:
        raise bodies.invalid_field(f"{name} names a venue that isn't known here; GET /api/network lists them.", name)
    return tuple(dict.fromkeys(venue for venue in found if venue))


READERS: dict[str, Callable[[Services, Any, str], Any]] = {
    "maxOrderNotional": _notional,
    "maxOpenOrders": _count(0),
    "maxDailyNotional": _notional,
    "ordersPerMinute": _count(1),
    "pairs": _pairs,
    "venues": _venues,
    "priceBandBps": _count(0),
}
_FIELDS = {
    "maxOrderNotional": "max_order_notional",
    "maxOpenOrders": "max_open_orders",
    "maxDailyNotional": "max_daily_notional",
    "ordersPerMinute": "orders_per_minute",
    "pairs": "pairs",
    "venues": "venues",
    "priceBandBps": "price_band_bps",
}
