"""What a client says of a submitted order beside it: that a repeat is safe, until when, and how long it waits."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from litestar.datastructures import ResponseHeader

from api.errors import ProblemError
from api.orders import fields
from api.orders.document import Document
from api.orders.fields import invalid
from api.orders.instants import instant
from api.problems import problem_of
from domain.errors import DomainError

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
EXPIRES_AFTER: Final = "Surefill-Expires-After"
LONGEST_WAIT_S = 30
_NAME = "clientOrderId"
_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?=$|[,;])", re.ASCII | re.IGNORECASE)


def with_idempotency_key(document: Document, sent: str | None, name: str = _NAME) -> Document:
    """The order with the header's key as its ``clientOrderId``, or as ``name`` says: two names for the same.

    Raises ``ProblemError``.
    """
    if sent is None:
        return document
    key = fields.client_order_id(_unquoted(sent), IDEMPOTENCY_KEY)
    own = document.get(name)
    if own is not None and own != key:
        raise invalid(
            "conflicting_fields",
            f"{IDEMPOTENCY_KEY} and {name} say the same; give one of them, or the same in both.",
            IDEMPOTENCY_KEY,
        )
    return {**document, name: key}


@contextlib.contextmanager
def in_its_words(document: Document, sent: str | None, name: str = _NAME) -> Iterator[None]:
    """Whatever is refused for the ``name`` of what was asked names the header, where the client has said it by that
    alone. ``document`` is what the client sent, ``sent`` the header's key.
    """
    try:
        yield
    except (ProblemError, DomainError) as refused:
        if sent is None or refused.field != name or document.get(name) is not None:
            raise
        problem = problem_of(refused)
        said = {**problem.given, "field": IDEMPOTENCY_KEY}
        code, detail = said.pop("code"), problem.detail.replace(name, IDEMPOTENCY_KEY)
        raise ProblemError(problem.status, code, detail, headers=problem.headers, **said) from refused


def expires_after(sent: str | None) -> datetime | None:
    """After which instant the order is not to be taken any more. Raises ``ProblemError``."""
    if sent is None:
        return None
    if (at := instant(sent)) is not None:
        return at
    raise ProblemError(
        422, "invalid_expiry", f"{EXPIRES_AFTER} is an instant as 2026-01-01T00:00:00Z.", field=EXPIRES_AFTER
    )


def preferred_wait(sent: str | None) -> int | None:
    """How many seconds the client wants to wait for the order's end (RFC 7240), at most ``LONGEST_WAIT_S``.

    A preference that can't be read is passed over, as the RFC asks.
    """
    found = _WAIT.search(sent or "")
    return min(int(found[1]), LONGEST_WAIT_S) if found else None


ETAG = ResponseHeader(
    # With a value the document says that it is a string.
    name="ETag",
    value='"3"',
    documentation_only=True,
    description='The version of the order that is shown, as `"3"`: for If-Match.',
)


def etag(version: int) -> dict[str, str]:
    """The header that names the version of an order that an answer shows: as of its newest event that isn't a moved
    trail, so that an ``If-Match`` holds while only that moves.
    """
    return {"ETag": f'"{version}"'}


def _unquoted(text: str) -> str:
    """Without the quotes of a structured field's string."""
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] == '"' else text
