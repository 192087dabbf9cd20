"""Bytes and seconds of one request on one connection."""

from __future__ import annotations

from dataclasses import dataclass

from api.serving.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Limits:
    """``header_bytes`` counts from the request line to the blank line, ``header_seconds`` from the first byte.

    ``body_bytes`` is what a body may hold; its chunk sizes and trailers may take ``header_bytes`` more.
    ``answer_seconds`` is how long a client may leave an answer unread that doesn't fit into the buffers.
    """

    header_bytes: int = 16 * 1024
    header_count: int = 100
    header_seconds: float = 10.0
    body_bytes: int = 64 * 1024
    body_seconds: float = 20.0
    answer_seconds: float = 30.0


MALFORMED = Refusal(400, "bad_request", "This is no HTTP request that can be read.")
HEADERS_TOO_LARGE = Refusal(431, "headers_too_large", "The request's headers are too many or too long.")
BODY_TOO_LARGE = Refusal(413, "body_too_large", "The request's body is too large.")
TOO_SLOW = Refusal(408, "request_timeout", "The request did not arrive whole in time; it was not acted on.")
