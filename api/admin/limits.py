"""PUT /api/admin/accounts/{name}/limits."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Request, put
from litestar.openapi.spec import Example
from litestar.params import PathParameter
from pydantic import Field

from api.admin import bodies
from api.admin.accounts import account_named
from api.admin.limit_fields import READERS, Known, changes
from api.admin.openapi import LimitsOperation
from api.callers.caller import InjectedCaller
from api.callers.rules import ADMIN
from api.openapi import problems
from api.orders.document import BODY_LIMIT, media_type
from api.services import InjectedServices
from domain.limits import Limits
from domain.numbers import plain
from projections.order_view import View

Name = Annotated[
    str, PathParameter(description="The account's name.", examples=[Example(summary="default", value="default")])
]


class LimitsView(View):
    """Null is no limit. Notional is in USDC."""

    max_order_notional: str | None = Field(examples=["10000"])
    max_open_orders: int | None
    max_daily_notional: str | None
    max_open_notional: str | None = Field(description="What all open orders may be worth together.")
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
        document = bodies.read_document(await request.body(), media_type(request.headers), READERS)
        account = account_named(services, name)
        known = Known(services.config.tokens, [venue for group in services.venues for venue in group.venues])
        changed = changes(known, document)
        return limits_view(await services.directory.set_limits(account.account_id, changed, by=caller.shown))


def limits_view(limits: Limits) -> LimitsView:
    return LimitsView(
        max_order_notional=None if limits.max_order_notional is None else plain(limits.max_order_notional),
        max_open_orders=limits.max_open_orders,
        max_daily_notional=None if limits.max_daily_notional is None else plain(limits.max_daily_notional),
        max_open_notional=None if limits.max_open_notional is None else plain(limits.max_open_notional),
        orders_per_minute=limits.orders_per_minute,
        pairs=None if limits.pairs is None else list(limits.pairs),
        venues=None if limits.venues is None else list(limits.venues),
        price_band_bps=limits.price_band_bps,
    )
