"""What any request may meet."""

from __future__ import annotations

from api.problem_table.entry import Entry

EVERYWHERE = (
    Entry("bad_request", 400, False, "the request is malformed in some other way", "correct it"),
    Entry(
        "invalid_host",
        400,
        False,
        "`Host` is missing, there twice, or no host: user information, a port that is none",
        "send one `Host`, as every client does by itself",
    ),
    Entry(
        "host_not_allowed",
        403,
        False,
        "the host's name is neither a loopback one nor in `HOST` or `ALLOWED_HOSTS` ([security.md](security.md))",
        "ask by another name, or let the operator allow this one",
    ),
    Entry(
        "origin_not_allowed",
        403,
        False,
        "a browser asks for a page of another origin, which is not in `ALLOWED_ORIGINS`",
        "let the operator allow the origin",
    ),
    Entry(
        "forwarded",
        403,
        False,
        "a proxy forwarded the request, and `ALLOW_FORWARDED` does not say that one is meant to",
        "ask the engine itself, or let the operator allow the proxy",
    ),
    Entry(
        "request_timeout",
        408,
        True,
        "the headers did not end within 10 s, or the body within 20 s more; the connection is closed",
        "send it again",
    ),
    Entry(
        "headers_too_large",
        431,
        False,
        "the headers are over 16 KiB, or more than 100; the connection is closed",
        "send fewer",
    ),
    Entry(
        "overloaded",
        503,
        True,
        "1,000 requests are at work, or the engine is behind with its work (`MAX_LOOP_LAG_MS`); nothing was recorded",
        "send it again after `Retry-After`",
    ),
    Entry(
        "stopping",
        503,
        True,
        "the engine was told to stop, and 2 s later had no answer yet. What was to be recorded may have been; "
        "`retryable` is false for a `POST` that isn't an order's or a list's with `Idempotency-Key`",
        "ask again; an order only with its `clientOrderId`, or look for it first",
    ),
    Entry("not_found", 404, False, "there is nothing at this path, or no WebSocket", "`/docs` lists the paths"),
    Entry("method_not_allowed", 405, False, "the path doesn't take this method", "`Allow` lists what it takes"),
    Entry(
        "log_unavailable",
        503,
        True,
        "the order log can't be reached, or too many requests changed the same thing at once. No new order or list was "
        "recorded; any other change may have been, whole or in part, and a repeat of it does no harm, but "
        "for a new key, of which there may be two then",
        "send it again after `Retry-After`; of a new key look at the keys first",
    ),
    Entry(
        "history_not_compared",
        503,
        True,
        "the engine has begun and has yet to compare the wallet's history with its log: that may have been put back, "
        "and the order executed. A cancel, or an amendment, waits for that, 4 s at most: it takes seconds, or until a "
        "node answers. An order on its way is cancelled all the same, and one on paper, or taken since without a "
        "`clientOrderId`, is cancelled or amended",
        "ask again after `Retry-After`",
    ),
    Entry(
        "not_ready",
        503,
        True,
        "readiness: something essential is unreachable; `checks` says what",
        "ask again after `Retry-After`",
    ),
    Entry(
        "internal_error",
        500,
        True,
        "a fault of ours; it has been logged. Whether an order was recorded is unknown",
        "send the same again, an order only with its `clientOrderId`; if it stays so, tell the operator",
    ),
)
