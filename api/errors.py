"""What the API raises: an error answer, and a stream that is refused."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

RETRY_AFTER = "1"
"""Seconds after which a request that met an outage is worth repeating, as a header's value."""


class ProblemError(Exception):
    """An error answer: HTTP ``status``, stable ``code``, a sentence, the input at fault, headers, further members."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.field = field
        self.headers = dict(headers or {})
        self.members = members

    def body(self) -> dict[str, Any]:
        members = {"field": self.field, **self.members}
        return {
            "type": f"urn:surefill:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            **{name: value for name, value in members.items() if value is not None},
        }


class StreamRefusedError(Exception):
    """A WebSocket that gets no stream: the close code, and the reason in words."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
