"""What stands in the way of changing an order that was taken."""

from __future__ import annotations

from api.problem_table.entry import Entry

_LOOK = "look at the order, and decide anew"
AMENDING = (
    Entry("precondition_required", 428, False, "there is no `If-Match`", "send the order's `ETag` as you have seen it"),
    Entry(
        "invalid_precondition",
        422,
        False,
        '`If-Match` is no single version in quotes, as `"3"`',
        "send the order's `ETag` as you have seen it",
    ),
    Entry(
        "not_amendable",
        409,
        False,
        "the order doesn't wait for its price: it was triggered, has ended or expired, or is to be cancelled; or its "
        "stop was reached, and `stopPrice` is to change",
        _LOOK,
    ),
    Entry(
        "version_conflict",
        412,
        False,
        "the order is at another version than `If-Match` names; `version` is the one it is at",
        _LOOK,
    ),
    Entry(
        "amount_not_allowed",
        422,
        False,
        "`amountIn` of an order that names its `amountOut`, or the other way round; another amount of a TWAP's slice",
        "change the amount that the order names; cancel the TWAP, and send another",
    ),
)
DEADMAN = (
    Entry(
        "cancel_at_too_soon",
        422,
        False,
        "`cancelAt` is less than 5 s ahead, or past, and not the one that is set already",
        "name a later instant",
    ),
    Entry(
        "deadman_due",
        409,
        False,
        "`cancelAt` has come, and what is open is being cancelled",
        "set it again once `GET /api/deadman` says `fired`, after `Retry-After` seconds",
    ),
)
