"""A TWAP: what can't be sliced, and what is over."""

from __future__ import annotations

from api.problem_table.entry import Entry

_BODY = "correct the body"
TWAP = (
    Entry("invalid_slices", 422, False, "`slices` is no whole number from 2 to 1,000", _BODY),
    Entry("invalid_every_ms", 422, False, "`everyMs` is no whole number from 1,000 to 86,400,000", _BODY),
    Entry(
        "not_sliceable",
        422,
        False,
        "the order is neither `market` nor `limit`, or it has an `expiresAt` or a `clientOrderId`: `field` says which",
        _BODY,
    ),
    Entry(
        "slice_too_small",
        422,
        False,
        "a slice would be of nothing, or every venue says that it is too small to buy anything",
        "fewer slices, or a larger amount",
    ),
    Entry(
        "list_ended",
        409,
        False,
        "the list is cancelled, or all of its slices have ended: it is neither paused nor resumed",
        "send another list, with another `clientListId`",
    ),
)
