"""What is recorded of a TWAP, an order that is executed in slices. Each slice is an order with events of its own; the
list's stream has only what its client says, and which slices were not taken.
"""

from __future__ import annotations

import operator
from typing import Annotated

from pydantic import Field

from domain.account_event import AccountEvent
from domain.terms import OrderTerms


class TwapSubmitted(AccountEvent):
    """``order`` is the whole, of which each slice gets its part; one slice is due every ``every_ms`` milliseconds.

    ``paper``: its slices are filled at quotes, and nothing is ever signed for them.
    """

    TOPIC = "account.TwapSubmitted"

    client_list_id: str
    order: OrderTerms
    slices: int
    every_ms: int
    network: str
    paper: Annotated[bool, Field(exclude_if=operator.not_)] = False


class TwapPaused(AccountEvent):
    """No slice is submitted from here on, until it is resumed."""

    TOPIC = "account.TwapPaused"

    by: str
    because: str | None = None


class TwapResumed(AccountEvent):
    """Slices are submitted again."""

    TOPIC = "account.TwapResumed"

    by: str


class TwapCancelled(AccountEvent):
    """No slice is ever submitted from here on; those that are open are to be cancelled."""

    TOPIC = "account.TwapCancelled"

    by: str
    because: str | None = None


class SliceRefused(AccountEvent):
    """A slice was not taken as an order, and never will be: its amount isn't swapped, and the next one follows."""

    TOPIC = "account.SliceRefused"

    slice: int
    code: str
    detail: str


TwapEvent = TwapSubmitted | TwapPaused | TwapResumed | TwapCancelled | SliceRefused
TWAP_EVENTS: tuple[type[AccountEvent], ...] = (TwapSubmitted, TwapPaused, TwapResumed, TwapCancelled, SliceRefused)
TWAP_TOPICS = frozenset(event.TOPIC for event in TWAP_EVENTS)
