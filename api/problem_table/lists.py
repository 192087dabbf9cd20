"""A list of orders: what can't be taken as it is, and what isn't there."""

from __future__ import annotations

from api.problem_table.entry import Entry

_BODY = "correct the body"
LISTS = (
    Entry("unknown_list_kind", 422, False, "there is no such kind of list; the answer names those there are", _BODY),
    Entry("wrong_leg_count", 422, False, "an `oco` or an `oto` has two legs, an `otoco` three", _BODY),
    Entry(
        "legs_differ",
        422,
        False,
        "the legs of an `oco`, or the last two of an `otoco`, have another `tokenIn` or `tokenOut` than each other",
        "send legs of one pair and one direction",
    ),
    Entry(
        "client_order_id_not_allowed",
        422,
        False,
        "a leg has a `clientOrderId`; its id follows from the list's `clientListId`",
        "leave it out",
    ),
    Entry(
        "client_list_id_conflict",
        409,
        False,
        "the client list id belongs to a list with other orders",
        "repeat the same list, or use another id for another list",
    ),
    Entry("invalid_list_id", 400, False, "the list id is malformed", "use the `listId` of the list's answer"),
    Entry(
        "list_not_found",
        404,
        False,
        "there is no such list, or it is another account's; to pause, resume or stream it: or it is no TWAP",
        "check the id, and whose key asks",
    ),
)
