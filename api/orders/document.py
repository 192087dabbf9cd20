"""A request body, from bytes to an object whose numbers are still the digits that were sent.

Python's own JSON reading would round ``1.1``, and let ``1e999`` become infinity and a repeated key win silently.
"""

from __future__ import annotations

import json
from typing import Any

from litestar.datastructures import Headers

from api.errors import ProblemError

BODY_LIMIT = 64 * 1024
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii"})


class Digits(str):
    """The text of a JSON number, ``NaN`` and ``Infinity`` included; whoever needs a number decides what it may be."""

    __slots__ = ()


Document = dict[str, Any]


class _Ambiguous(Document):
    """An object in which a key is there twice; who reads it is told, unless what holds it is refused first."""

    def __init__(self, document: Document, twice: str) -> None:
        super().__init__(document)
        self.twice = twice


def read(body: bytes, content_type: str | None) -> Document:
    """The object in ``body``, strings as ``str`` and numbers as ``Digits``; raises ``ProblemError``."""
    return checked(read_unchecked(body, content_type, BODY_LIMIT, "An order"))


def checked(document: Document) -> Document:
    """``document`` itself, in which no key is there twice; raises ``ProblemError``."""
    waiting: list[Any] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, _Ambiguous):
            raise ProblemError(400, "duplicate_key", f"{value.twice} is there twice.", field=value.twice)
        waiting.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
    return document


def media_type(headers: Headers) -> str | None:
    """What a request says that its body is; raises ``ProblemError`` for one that is compressed."""
    codings = ",".join(headers.getall("content-encoding", []))
    if any(coding.strip().lower() not in ("", "identity") for coding in codings.split(",")):
        raise ProblemError(
            415,
            "unsupported_media_type",
            "Send the body as it is: no Content-Encoding is taken.",
            field="Content-Encoding",
            headers={"Accept-Encoding": "identity"},
        )
    return headers.get("content-type")


def read_unchecked(body: bytes, content_type: str | None, limit: int, what: str) -> Document:
    """The object in ``body``, of at most ``limit`` bytes, whose parts are still to be ``checked``."""
    kind, *parameters = (content_type or "").lower().split(";")
    if kind.strip() != "application/json":
        raise ProblemError(415, "unsupported_media_type", "Send the order as application/json.", field="Content-Type")
    said = [
        value.strip(' "') for name, _, value in (one.partition("=") for one in parameters) if name.strip() == "charset"
    ]
    if not _CHARSETS.issuperset(said):
        raise ProblemError(415, "unsupported_media_type", "Send the body in UTF-8.", field="Content-Type")
    if len(body) > limit:
        raise ProblemError(413, "body_too_large", f"{what} is at most {limit} bytes.")
    try:
        value = _DECODER.decode(body.decode())
    except RecursionError:
        raise ProblemError(
            400, "nested_too_deeply", "The body is nested too deeply; an order is one flat object."
        ) from None
    except ValueError as error:
        raise ProblemError(400, "invalid_json", f"The body is not JSON: {_reason(error)}.") from None
    if not isinstance(value, dict):
        raise ProblemError(400, "not_an_object", "The body must be one JSON object.")
    return value


def shown(name: str) -> str:
    """A client's own text, short and ASCII, fit for an answer."""
    text = name.encode("ascii", "backslashreplace").decode()
    return text if len(text) <= 80 else f"{text[:77]}..."


def _unique(pairs: list[tuple[str, Any]]) -> Document:
    document = dict(pairs)
    if len(document) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        return _Ambiguous(document, shown(twice))
    return document


_DECODER = json.JSONDecoder(parse_float=Digits, parse_int=Digits, parse_constant=Digits, object_pairs_hook=_unique)


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    return "it is not UTF-8"
