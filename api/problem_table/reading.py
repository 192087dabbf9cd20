"""What is read."""

from __future__ import annotations

from api.problem_table.entry import Entry

READING = (
    Entry("invalid_order_id", 400, False, "the order id is malformed", "use the `orderId` of the order's answer"),
    Entry(
        "invalid_query",
        400,
        False,
        "a query parameter has a bad value, is there twice, or is none that the request takes; `field` names it",
        "correct it; a cursor goes with the query it was given for",
    ),
    Entry(
        "order_not_found",
        404,
        False,
        "there is no such order, or it is another account's",
        "check the id, and whose key asks",
    ),
    Entry("version_not_found", 404, True, "the order has no such version yet", "ask again later, or without `version`"),
    Entry("not_yet_submitted", 404, False, "the order did not exist at that instant", "ask for a later instant"),
    Entry(
        "unknown_pair",
        404,
        False,
        "a token of the pair isn't traded here; under `/api/pairs` also: it reads the other way round, `SOL/USDC`, not "
        "`USDC/SOL`",
        "`GET /api/pairs` lists the pairs",
    ),
    Entry(
        "no_venue",
        404,
        False,
        "both tokens are known, and no venue trades the pair",
        "`GET /api/pairs` lists the pairs that are traded",
    ),
    Entry("price_unavailable", 503, True, "the source of prices can't be read", "ask again after `Retry-After`"),
    Entry(
        "position_lost",
        410,
        False,
        "the position or cursor is of the end that the log has lost since it was put back; `endedAt` is the last "
        "position that holds, and absent where an epoch is lost whole",
        "ask without one, and send the orders that are missing again, each under its `clientOrderId`",
    ),
    Entry("projection_behind", 503, True, "the list did not reach `position` within 5 s", "ask again"),
    Entry(
        "order_unreadable",
        409,
        False,
        "an event of the order is damaged, or of a newer version of the engine; nothing else acts on the order",
        "tell the operator: `surefill verify` names the event",
    ),
    Entry(
        "account_unreadable",
        409,
        False,
        "an event of the account, its trading state or its dead-man's switch, is damaged, or of a newer version of the "
        "engine; nothing of the account is built, triggered or cancelled",
        "tell the operator: `surefill verify` names the event",
    ),
    Entry("upgrade_required", 426, False, "a stream was asked for without WebSocket", "connect by WebSocket"),
)
