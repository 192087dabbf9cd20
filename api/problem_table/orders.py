"""An order that is submitted: what can't be read, and what can't be taken as it is."""

from __future__ import annotations

from api.problem_table.entry import Entry

_SEND = "correct the body"
_TERM = "correct the field"

ORDERS = (
    Entry(
        "unsupported_media_type",
        415,
        False,
        "the body isn't sent as `application/json`, in UTF-8, and without a `Content-Encoding`; `field` says which",
        "set `Content-Type`, and send the body as it is",
    ),
    Entry("batch_size", 422, False, "a batch is a list of 1 to 100 orders", "send more in further requests"),
    Entry("body_too_large", 413, False, "the body is over 64 KiB", "send less in one request"),
    Entry("invalid_json", 400, False, "the body isn't JSON in UTF-8", _SEND),
    Entry("nested_too_deeply", 400, False, "the body is nested beyond reading", _SEND),
    Entry("not_an_object", 400, False, "the body is JSON, and no object", _SEND),
    Entry("duplicate_key", 400, False, "an object has the same key twice", "leave one of them out"),
    Entry(
        "missing_field",
        422,
        False,
        "a needed field is absent or `null`; of `amountIn` and `amountOut` one is needed",
        "add it",
    ),
    Entry("unknown_field", 422, False, "the order, or the request, has no such field", "leave it out"),
    Entry(
        "conflicting_fields",
        422,
        False,
        "a field is given under its name and its alias, `amountIn` beside `amountOut`, or `Idempotency-Key` is another "
        "than `clientOrderId`",
        "give one of them",
    ),
    Entry(
        "unknown_token",
        422,
        False,
        "no token with that symbol or mint is traded here",
        "`GET /api/network` lists the tokens",
    ),
    Entry("same_token", 422, False, "`tokenIn` and `tokenOut` are one token", _TERM),
    Entry("invalid_amount", 422, False, "the amount is no decimal number: `true`, `NaN`, over 128 characters", _TERM),
    Entry("amount_not_positive", 422, False, "the amount is zero or less", _TERM),
    Entry("too_many_decimals", 422, False, "the amount has more decimals than the token", "round it"),
    Entry("amount_too_large", 422, False, "the amount in base units is past an unsigned 64-bit integer", _TERM),
    Entry("unknown_type", 422, False, "there is no such type; the answer names those there are", _TERM),
    Entry(
        "missing_price",
        422,
        False,
        "a `limit` order without `limitPrice`, a `stop` order without `stopPrice`, a `stop-limit` order without either",
        "add the price",
    ),
    Entry(
        "price_not_allowed",
        422,
        False,
        "a price that the type doesn't take, as any on a market order",
        "leave the price out, or choose another type",
    ),
    Entry("missing_trail", 422, False, "a `trailing-stop` order without `trailBps`", "add it"),
    Entry("trail_not_allowed", 422, False, "`trailBps` on an order of another type", "leave it out"),
    Entry("invalid_trail", 422, False, "`trailBps` is not a whole number, 1 to 9999", _TERM),
    Entry(
        "unknown_time_in_force",
        422,
        False,
        "`timeInForce` is not `gtc`, `ioc`, `fok` or `gtd`",
        _TERM,
    ),
    Entry("missing_expires_at", 422, False, "a `gtd` order without `expiresAt`", "add it"),
    Entry("expires_at_not_allowed", 422, False, "`expiresAt` on an order that isn't `gtd`", "leave it out"),
    Entry(
        "expires_at_passed",
        422,
        False,
        "`expiresAt` has passed. An order that is recorded already is answered all the same",
        "decide anew until when it is wanted",
    ),
    Entry(
        "invalid_price",
        422,
        False,
        "the price is no decimal number above zero, has more than 18 significant digits, or lies outside 1e-30 to 1e30",
        _TERM,
    ),
    Entry(
        "limit_out_of_reach",
        422,
        False,
        "at this limit the order asks for more of a token than the chain can count (2^64-1 base units), or may pay "
        "more than that for its `amountOut`, or pays nothing for it",
        "change the price or the amount",
    ),
    Entry("invalid_slippage", 422, False, "the slippage is no number, or not whole basis points", _TERM),
    Entry("slippage_out_of_range", 422, False, "the slippage is outside 0 to 10,000 basis points", _TERM),
    Entry(
        "invalid_client_order_id",
        422,
        False,
        "the client order id, or the client list id, is not 1 to 64 of `A-Za-z0-9._:-`; or a new order's is `.` or "
        "`..`, which clients take out of a path. Older orders of these names are found by "
        "`GET /api/orders?clientOrderId=`",
        _TERM,
    ),
    Entry(
        "client_order_id_required",
        422,
        False,
        "the API can be reached from other machines, and the order has neither `clientOrderId` nor `Idempotency-Key`",
        "give the order one, and the same at each repeat",
    ),
    Entry(
        "invalid_expiry",
        422,
        False,
        "`Surefill-Expires-After` or `expiresAt` is no instant of RFC 3339",
        "correct the header",
    ),
    Entry(
        "request_expired",
        422,
        False,
        "`Surefill-Expires-After` has passed; nothing was recorded. An order that was recorded before it gets its "
        "first answer",
        "decide anew whether the order is still wanted",
    ),
    Entry(
        "client_order_id_conflict",
        409,
        False,
        "the client order id belongs to an order with other terms",
        "repeat the same terms, or use another id for another order",
    ),
)
