"""What the API raises: an error answer, and a stream that is refused."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from litestar.plugins.problem_details import ProblemDetailsException

from api.problem_table import is_retryable

RETRY_AFTER = "1"
"""Seconds after which a request that met an outage is worth repeating, as a header's value."""


class ProblemError(ProblemDetailsException):
    """An error answer: HTTP ``status``, stable ``code``, a sentence, the input at fault, headers, further members.

    Whether it is worth a repeat follows from the code, unless ``retryable`` says otherwise.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
        retryable: bool | None = None,
        **members: Any,
    ) -> None:
        known = {"code": code, "retryable": is_retryable(code) if retryable is None else retryable}
        given = {name: value for name, value in {"field": field, **members}.items() if value is not None}
        self.given = {**known, **given}
        super().__init__(
            detail=detail,
            status_code=status,
            headers=dict(headers or {}),
            type_=f"urn:surefill:problem:{code}",
            title=HTTPStatus(status).phrase,
            extra=self.given,
        )
        self.status = status
        self.code = code
        self.field = field
        self.headers: dict[str, str] = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """The answer's body, as Litestar makes it of this exception."""
        return {
            "type": self.type_,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.given,
        }


class StreamRefusedError(Exception):
    """A WebSocket that gets no stream: the close code, and the reason in words."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
