"""GET /api/account: whom a key acts for, and what it may do."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from litestar import Controller, get
from pydantic import Field

from api.admin.limits import LimitsView, limits_view
from api.callers.caller import InjectedCaller
from api.callers.rules import READ
from api.openapi import DocumentedOperation, problems
from api.services import InjectedServices
from domain.limits import NO_LIMITS
from domain.numbers import plain
from projections.order_view import View


class UsedView(View):
    """What counts against the limits; notional from when one of them needs it, in USDC."""

    open_orders: int
    notional_today: str = Field(examples=["12.5"])
    open_notional: str = Field(examples=["12.5"])


class AccountView(View):
    account_id: UUID
    name: str = Field(examples=["default"])
    wallet: str | None = Field(description="Null until a worker has bound one.")
    scopes: list[str] = Field(examples=[["read", "trade"]])
    limits: LimitsView
    used: UsedView
    trading_state: Literal["active", "reducing", "halted"] = Field(description="What the account may do now.")


class AccountController(Controller):
    tags = ("account",)
    opt = READ

    @get(
        "/api/account",
        operation_class=DocumentedOperation,
        operation_id="getAccount",
        summary="The account that asks",
        response_description="Whom the key acts for, and what for.",
        responses=problems("log_unavailable"),
    )
    async def get_account(self, services: InjectedServices, caller: InjectedCaller) -> AccountView:
        used = await services.reservations.used(caller.account_id)
        known = services.accounts.account(caller.account_id)
        return AccountView(
            account_id=caller.account_id,
            name=caller.name,
            wallet=(known.wallet if known else None) or await services.wallet(caller.account_id),
            scopes=sorted(caller.scopes),
            limits=limits_view(known.limits if known else NO_LIMITS),
            used=UsedView(
                open_orders=used.open_orders,
                notional_today=plain(used.notional_today),
                open_notional=plain(used.open_notional),
            ),
            trading_state=(await services.trading(caller.account_id)).state,
        )
