"""PUT and GET /api/deadman: what an account has open is cancelled at an instant, unless its client says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from litestar import Controller, Request, get, put
from litestar.openapi.spec import Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from pydantic import Field

from api.admin import bodies
from api.callers.caller import InjectedCaller
from api.callers.rules import READ, TRADE
from api.errors import RETRY_AFTER, ProblemError
from api.openapi import BodyOperation, DocumentedOperation, an_object, problems
from api.orders.document import BODY_LIMIT, Digits, media_type
from api.orders.instants import instant
from api.services import InjectedServices
from domain.deadman import Deadman, DeadmanState
from domain.errors import DomainError
from event_store.errors import OutcomeUnknownError
from projections.order_view import IfKnown, Instant, View

_FIELD = "cancelAt"


class FiredView(View):
    """What a switch came to: of how many orders, by what was answered of each; ``refused`` could not be read."""

    cancel_at: Instant
    cancelled: int
    pending: int
    too_late: int
    refused: int


class DeadmanView(View):
    cancel_at: Instant | None = Field(description="When what is open is cancelled; null where it isn't.")
    state: DeadmanState = Field(
        description="`firing`: `cancelAt` has come, and it is being cancelled; `fired`: it was, and the switch is off."
    )
    fired: IfKnown[FiredView] = None


@dataclass
class DeadmanOperation(BodyOperation):
    body: ClassVar[Schema] = an_object(
        "DeadmanRequest",
        [_FIELD],
        cancelAt=Schema(
            any_of=[
                Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.DATE_TIME),
                Schema(type=OpenAPIType.NULL),
            ],
            description="At least 5 s ahead; null switches it off.",
        ),
    )
    example: ClassVar[Any] = {"cancelAt": "2030-01-01T00:00:00Z"}


class DeadmanController(Controller):
    path = "/api/deadman"
    tags = ("account",)
    opt = READ

    @get(
        operation_class=DocumentedOperation,
        operation_id="getDeadman",
        summary="The account's dead-man's switch",
        response_description="As it stands.",
        responses=problems("account_unreadable", "log_unavailable"),
    )
    async def get_deadman(self, services: InjectedServices, caller: InjectedCaller) -> DeadmanView:
        return _view(await services.deadman.of(caller.account_id), services.clock())

    @put(
        opt=TRADE,
        status_code=200,
        request_max_body_size=BODY_LIMIT,
        operation_class=DeadmanOperation,
        operation_id="setDeadman",
        summary="Set, renew or clear the dead-man's switch",
        response_description="It is recorded, and fires whatever becomes of you.",
        responses=problems(
            *("invalid_json", "unsupported_media_type", "unknown_field", "missing_field", "invalid_field"),
            *("cancel_at_too_soon", "deadman_due", "account_unreadable", "log_unavailable", "outcome_unknown"),
        ),
    )
    async def set_deadman(
        self, request: Request[Any, Any, Any], services: InjectedServices, caller: InjectedCaller
    ) -> DeadmanView:
        """At `cancelAt` every order that the account has open is cancelled, what is live by the chain. Say a later
        instant before it, again and again, or `null` for an end. There is one switch an account.

        Fires once, and is off then. Where no engine ran at `cancelAt` it fires at its return, before a price triggers
        any order of the account.
        """  # fmt: skip
        cancel_at = _cancel_at(await request.body(), media_type(request.headers))
        now = services.clock()
        try:
            return _view(await services.deadman.set(caller.account_id, cancel_at, by=caller.shown, now=now), now)
        except DomainError as refused:
            if refused.code == "deadman_due":
                raise ProblemError(409, "deadman_due", refused.detail, headers={"Retry-After": RETRY_AFTER}) from None
            raise ProblemError(422, "cancel_at_too_soon", refused.detail, field=_FIELD) from None
        except OutcomeUnknownError:
            raise ProblemError(
                503,
                "outcome_unknown",
                "Nobody can tell yet whether the switch was set. Ask again: asked twice it is set once.",
                headers={"Retry-After": RETRY_AFTER},
            ) from None


def _cancel_at(body: bytes, content_type: str | None) -> datetime | None:
    document = bodies.read_document(body, content_type, (_FIELD,))
    if _FIELD not in document:
        raise ProblemError(422, "missing_field", "cancelAt is an instant, or null.", field=_FIELD)
    value = document[_FIELD]
    if value is None:
        return None
    at = instant(value) if isinstance(value, str) and not isinstance(value, Digits) else None
    if at is None:
        raise bodies.invalid_field("cancelAt is an instant as 2030-01-01T00:00:00Z, or null.", _FIELD)
    return at


def _view(switch: Deadman, now: datetime) -> DeadmanView:
    last, state = switch.last, switch.state_at(now)
    fired = last and FiredView(
        cancel_at=last.cancel_at,
        cancelled=last.cancelled,
        pending=last.pending,
        too_late=last.too_late,
        refused=last.refused,
    )
    return DeadmanView(cancel_at=None if state in ("off", "fired") else switch.cancel_at, state=state, fired=fired)
