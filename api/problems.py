"""Every error answer: RFC 9457 problem details with a stable ``code``, made in one place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

import psycopg
import structlog
from litestar.exceptions import HTTPException, ValidationException
from litestar.plugins.problem_details import ProblemDetailsConfig, ProblemDetailsPlugin
from pydantic import BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer

from api.errors import RETRY_AFTER, ProblemError
from api.problem_table import PROBLEMS
from api.serving.head import with_head
from commands.errors import SubmissionUnknownError, TooManyConflictsError, UnreadableAccountError
from domain.errors import DomainError, PositionLostError
from domain.trading_state import AccountTrading
from event_store.errors import LogUnavailableError, UnreadableEventError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

_OF_STATUS = {
    HTTPStatus.BAD_REQUEST: "bad_request",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "body_too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
}
# Litestar names a parameter as our code does.
_OWN_NAMES = {"order_type": "type", "client_order_id": "clientOrderId", "parent_id": "parentId"}


class ProblemDetails(BaseModel):
    """The body of an error answer; further members depend on the code."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(examples=["urn:surefill:problem:unknown_token"])
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="A sentence for people; branch on the code.")
    code: str = Field(description="Stable; docs/errors.md lists them all.")
    retryable: bool = Field(
        description="The same request may be taken later, and sending it again does no harm: an order's where it has "
        "a client order id."
    )
    field: str | None = Field(default=None, description="The input at fault.")
    orderId: str | None = Field(default=None, description="The order it is about.")  # noqa: N815
    limit: str | None = Field(default=None, description="The account's limit that the order would exceed.")

    @model_serializer(mode="wrap")
    def _known(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """As it is answered by itself: what there is nothing to say of isn't there."""
        return {name: value for name, value in serialize(self).items() if value is not None}


def log_unavailable() -> ProblemError:
    """What a new order's answer needs is read before it is recorded. Of other changes some may be recorded, and what is
    read for the answer, or the next of them, has failed.
    """
    return ProblemError(
        503,
        "log_unavailable",
        "The order log can't be reached: no new order was recorded. Any other change may have been; a repeat of it "
        "does no harm, but for a new key. Try again shortly.",
        headers={"Retry-After": RETRY_AFTER},
    )


def _too_many_at_once() -> ProblemError:
    return ProblemError(
        503,
        "log_unavailable",
        "Too many requests changed the same thing at once; a part of this one may be recorded. Try again shortly: a "
        "repeat does no harm, but for a new key.",
        headers={"Retry-After": RETRY_AFTER},
    )


def log_behind_for_all(trading: AccountTrading) -> ProblemError:
    """Of what the lost end of the log has of an order that is there nothing is known: it may have been executed."""
    if trading.unreadable:
        return account_unreadable()
    return ProblemError(
        503,
        "log_behind",
        "The log was put back to an earlier moment and waits for an operator; nothing was recorded.",
        reason=trading.reason,
    )


def log_behind(trading: AccountTrading) -> ProblemError:
    """An order that could not be told from one of the lost end of the log: it may have been executed already."""
    if trading.unreadable:
        return account_unreadable()
    return ProblemError(
        503,
        "log_behind",
        "The log was put back to an earlier moment and waits for an operator; nothing was recorded. Only an order with "
        "a clientOrderId is taken meanwhile.",
        field="clientOrderId",
        reason=trading.reason,
    )


def outcome_unknown(
    unknown: SubmissionUnknownError, links: Mapping[str, str], *, repeatable: bool, what: str = "order"
) -> ProblemError:
    """Only an order or a list with its client's own id may be sent again: without one a repeat could be a second."""
    again = f"Sending it again with the same client{what.capitalize()}Id is safe."
    return ProblemError(
        503,
        "outcome_unknown",
        f"Nobody can tell yet whether the {what} was recorded: its link later shows it, or 404. "
        + (again if repeatable else "Do not send it again before."),
        headers={"Retry-After": RETRY_AFTER} if repeatable else None,
        retryable=repeatable,
        orderId=str(unknown.order_id),
        links=dict(links),
    )


def repeatable(order_id: UUID | None = None) -> ProblemError:
    """What was asked of an order or a list that is there may be recorded by now; asked twice it is done once."""
    return ProblemError(
        503,
        "outcome_unknown",
        "Nobody can tell yet whether it was recorded. Ask again: asked twice it is done once.",
        headers={"Retry-After": RETRY_AFTER},
        orderId=str(order_id) if order_id else None,
    )


def unreadable(what: str = "this order") -> ProblemError:
    detail = f"An event of {what} is damaged, or of a newer version of the engine; `surefill verify` says which."
    return ProblemError(409, "order_unreadable", detail)


def account_unreadable() -> ProblemError:
    detail = (
        "An event of this account is damaged, or of a newer version of the engine; `surefill verify` says which. "
        "Nothing was recorded."
    )
    return ProblemError(409, "account_unreadable", detail)


def problem_of(error: Exception) -> ProblemError:
    """The answer to ``error``. What we did not foresee is logged, and says nothing of itself to the client."""
    match error:
        case ProblemError():
            return error
        case PositionLostError():
            return ProblemError(410, error.code, error.detail, field=error.field, endedAt=error.ended_at)
        case DomainError():
            status = _status_of(error)
            headers = {"Retry-After": RETRY_AFTER} if status == HTTPStatus.SERVICE_UNAVAILABLE else None
            return ProblemError(status, error.code, error.detail, field=error.field, headers=headers)
        case LogUnavailableError() | psycopg.OperationalError() | psycopg.errors.IdleInTransactionSessionTimeout():
            return log_unavailable()
        case TooManyConflictsError():
            return _too_many_at_once()
        case UnreadableAccountError():
            account_id = str(error.recorded.account_id)
            log.error("an account's event can't be read", account_id=account_id, error=str(error))
            return account_unreadable()
        case UnreadableEventError():
            log.error("order can't be read", order_id=str(error.recorded.stream_id), error=str(error))
            return unreadable()
        case ValidationException():
            return _invalid_query(error)
        case HTTPException() if error.status_code < 500:
            return _of_status(error)
        case _:
            log.error("request failed", exc_info=error)
            return ProblemError(500, "internal_error", "Something went wrong here; it has been logged.")


PLUGIN = ProblemDetailsPlugin(ProblemDetailsConfig(exception_to_problem_detail_map={Exception: problem_of}))
"""Litestar's problem details, for whatever is raised."""


def _status_of(error: DomainError) -> int:
    known = PROBLEMS.get(error.code)
    return known.status if known else 422


def _of_status(error: HTTPException) -> ProblemError:
    status = HTTPStatus(error.status_code)
    methods = next((value for name, value in (error.headers or {}).items() if name.lower() == "allow"), None)
    # Litestar counts a WebSocket among a path's methods; it is none of HTTP's.
    named = with_head({one for one in re.split(r",\s*", methods or "") if one.isupper()})
    allowed = {"Allow": ", ".join(sorted(named))} if named else None
    sentence = f"{(status.description or status.phrase).rstrip('.')}."
    return ProblemError(status, _OF_STATUS.get(status, "bad_request"), sentence, headers=allowed)


def _invalid_query(error: ValidationException) -> ProblemError:
    extra = error.extra if isinstance(error.extra, list) else []
    first = extra[0] if extra and isinstance(extra[0], dict) else {}
    name = _OWN_NAMES.get(str(first.get("key")), first.get("key"))
    reason = str(first.get("message", "")).splitlines()
    said = f": {reason[0]}" if reason else ""
    return ProblemError(
        400, "invalid_query", f"The query parameter {name or ''} is not valid{said}".strip(), field=name
    )
