"""What every event of an order has."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Literal

from domain.numbers import Price
from domain.quotes import Recorded

Status = Literal["pending", "routing", "building", "submitted", "confirmed", "failed", "cancelled"]
Purpose = Literal["swap", "cancel"]


class BaseOrderEvent(Recorded):
    """What every event of an order's stream has.

    ``status`` is the order's status after it, None where it changes nothing; ``secret`` names what never leaves.
    """

    TOPIC: ClassVar[str]
    VERSION: ClassVar[int] = 1
    status: ClassVar[Status | None]
    secret: ClassVar[frozenset[str]] = frozenset()

    def public(self) -> dict[str, Any]:
        """The event's data as clients see it: JSON types, camelCase, without what is secret."""
        return self.model_dump(mode="json", by_alias=True, exclude=set(self.secret), exclude_none=True)


class Observation(Recorded):
    """A price that a source gave: the touch in the order's direction, after the best venue's fee, at ``slot``."""

    source: str
    pair: str
    slot: int
    touch: Price
    observed_at: datetime
