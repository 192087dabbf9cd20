"""PUT /api/admin/trading-state: the kill switch."""

from __future__ import annotations

from typing import Any, Literal

from litestar import Controller, Request, put
from pydantic import Field

from api.admin import bodies
from api.admin.accounts import account_named
from api.admin.openapi import TradingStateOperation
from api.callers.caller import InjectedCaller
from api.callers.rules import ADMIN
from api.errors import RETRY_AFTER, ProblemError
from api.openapi import problems
from api.orders.document import BODY_LIMIT, media_type
from api.services import InjectedServices, Services
from commands.halting import Scope
from domain.errors import DomainError
from domain.trading_state import TRADING_STATES, TradingState
from projections.errors import ProjectionBehindError
from projections.order_view import View


class TradingStateView(View):
    scope: str = Field(examples=["engine"])
    state: Literal["active", "reducing", "halted"]
    cancelling: int = Field(description="Orders in flight whose cancel was asked for.")


class TradingController(Controller):
    path = "/api/admin"
    tags = ("admin",)
    opt = ADMIN

    @put(
        "/trading-state",
        status_code=200,
        request_max_body_size=BODY_LIMIT,
        operation_class=TradingStateOperation,
        operation_id="setTradingState",
        summary="Halt, reduce or resume trading",
        response_description="It is recorded: no swap is built after it that it forbids.",
        responses=problems(
            *("invalid_json", "unsupported_media_type", "unknown_field", "invalid_field", "account_not_found"),
            *("projection_behind", "history_not_compared", "log_unavailable", "outcome_unknown"),
        ),
    )
    async def set_trading_state(
        self, request: Request[Any, Any, Any], services: InjectedServices, caller: InjectedCaller
    ) -> TradingStateView:
        """For `engine`, `account:NAME` or `venue:NAME`: `halted` builds no swap, `reducing` builds sells alone. Orders
        that are taken wait. With `cancelLive` what is in flight is cancelled by the chain.

        A halt that the engine has set itself, after a contradiction, is lifted by `surefill resume` alone.
        """
        known = ("scope", "state", "because", "cancelLive")
        fields = bodies.read_fields(await request.body(), media_type(request.headers), known)
        named = bodies.text(fields, "scope")
        scope, state = _scope(services, named), _state(fields.get("state"))
        cancel_live = fields.get("cancelLive", False)
        if not isinstance(cancel_live, bool):
            raise bodies.invalid_field("cancelLive is true or false.", "cancelLive")
        if cancel_live and state == "active":
            raise bodies.invalid_field("Nothing is cancelled where trading goes on.", "cancelLive")
        because = bodies.text(fields, "because")
        try:
            cancelling = await services.set_trading(
                scope, state, by=caller.shown, because=because, cancel_live=cancel_live
            )
        except ProjectionBehindError:
            raise ProblemError(
                503,
                "projection_behind",
                "The state is set; which orders are in flight can't be told yet. Ask again.",
                headers={"Retry-After": RETRY_AFTER},
            ) from None
        except DomainError as early:
            if early.code != "history_not_compared":
                raise
            detail = f"The state is set, and not all that is in flight is being cancelled yet. {early.detail}"
            raise ProblemError(503, early.code, detail, headers={"Retry-After": RETRY_AFTER}) from early
        return TradingStateView(scope=named, state=state, cancelling=cancelling)


def _state(value: Any) -> TradingState:
    for state in TRADING_STATES:
        if value == state:
            return state
    raise bodies.invalid_field(f"state is one of {', '.join(TRADING_STATES)}.", "state")


def _scope(services: Services, text: str) -> Scope:
    kind, _, name = text.partition(":")
    if text == "engine":
        return Scope()
    if kind == "account" and name:
        return Scope(account_id=account_named(services, name).account_id)
    if kind == "venue":
        for group in services.venues:
            for venue in group.venues:
                if venue.casefold() == name.casefold():
                    return Scope(venue=venue)
        raise bodies.invalid_field("There is no such venue; GET /api/network lists them.", "scope")
    raise bodies.invalid_field("scope is engine, account:NAME or venue:NAME.", "scope")
