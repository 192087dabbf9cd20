"""The bodies of admin routes: one object of known fields, each read strictly."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any

from api.errors import ProblemError
from api.orders.document import BODY_LIMIT, Digits, Document, checked, read_unchecked, shown
from domain.directory_events import SCOPES, Scope
from domain.printable import is_recordable
from domain.time_spans import time_span


def invalid_field(detail: str, field: str) -> ProblemError:
    return ProblemError(422, "invalid_field", detail, field=field)


def read_fields(body: bytes, content_type: str | None, known: Collection[str]) -> Document:
    """The object in ``body``; a field that isn't known is refused, one that is ``null`` counts as absent."""
    return {name: value for name, value in read_document(body, content_type, known).items() if value is not None}


def read_document(body: bytes, content_type: str | None, known: Collection[str]) -> Document:
    """The same, where a field that is ``null`` says something."""
    document = checked(read_unchecked(body, content_type, BODY_LIMIT, "A request"))
    for name in document:
        if name not in known:
            raise ProblemError(422, "unknown_field", f"There is no field {shown(name)} here.", field=shown(name))
    return document


def text(document: Document, name: str, *, most: int = 200) -> str:
    value = document.get(name)
    if value is None:
        raise ProblemError(422, "missing_field", f"{name} is needed.", field=name)
    if not isinstance(value, str) or isinstance(value, Digits) or not 1 <= len(value.strip()) <= most:
        raise invalid_field(f"{name} is text of 1 to {most} characters.", name)
    if not is_recordable(value):
        raise invalid_field(f"{name} holds a character that can't be recorded: half of one, or a null.", name)
    return value.strip()


def scopes(value: Any) -> tuple[Scope, ...]:
    if not isinstance(value, list) or not value or any(one not in SCOPES for one in value):
        raise invalid_field(f"scopes is a list of {', '.join(SCOPES)}.", "scopes")
    return tuple(scope for scope in SCOPES if scope in value)


def lifetime(value: Any) -> timedelta | None:
    if value is None:
        return None
    span = time_span(value) if isinstance(value, str) and not isinstance(value, Digits) else None
    if not span:
        raise invalid_field("expiresIn is a number and a unit, such as 30d, 12h or 45m.", "expiresIn")
    return span
