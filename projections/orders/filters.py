"""What a list of orders is asked for, and cursors that belong to that question alone."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.events import Status
from domain.terms import OrderType
from domain.tokens import Pair, Side
from projections.errors import BadCursorError

_DIGEST_BYTES = 9


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """None for what isn't asked. ``since`` is in, ``until`` is not; ``oldest_first`` turns the list round."""

    status: Status | None = None
    pair: Pair | None = None
    side: Side | None = None
    type: OrderType | None = None
    order_id: UUID | None = None
    parent_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    oldest_first: bool = False

    def arguments(self) -> dict[str, Any]:
        """Those of ``list.sql``."""
        pair = self.pair
        return {
            "status": self.status,
            "order": self.order_id,
            "parent": None if self.parent_id is None else str(self.parent_id),
            "type": self.type,
            "base": pair and pair.base.mint,
            "quote": pair and pair.quote.mint,
            "sold": pair and self.side and (pair.base if self.side == "sell" else pair.quote).mint,
            "since": self.since,
            "until": self.until,
        }

    def digest(self, account_id: UUID) -> bytes:
        """What a cursor carries of account and question."""
        pair = self.pair.symbol if self.pair else None
        asked = (account_id, self.status, pair, self.side, self.type, self.order_id, self.since, self.until)
        # What is newer than cursors that are out there changes none of a question that doesn't ask it.
        newer = () if self.parent_id is None else (str(self.parent_id),)
        return hashlib.sha256(repr((*map(str, asked), self.oldest_first, *newer)).encode()).digest()[:_DIGEST_BYTES]


def cursor_of(position: str, digest: bytes) -> str:
    """Where a page ended, for whoever asks the same again."""
    return base64.urlsafe_b64encode(digest + position.encode()).decode().rstrip("=")


def position_of(cursor: str, digest: bytes) -> str:
    """Where the page before ended. Raises ``BadCursorError``, also for the cursor of another question or account."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        own, position = raw[:_DIGEST_BYTES], raw[_DIGEST_BYTES:].decode("ascii")
    except (binascii.Error, ValueError):
        raise BadCursorError(cursor) from None
    if own != digest or not position:
        raise BadCursorError(cursor)
    return position
