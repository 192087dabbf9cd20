"""What an account's orders take of its limits, as it is counted from what was reserved and what the log has since."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from psycopg import AsyncCursor

from domain.events import ORDER_EVENTS
from domain.limits import Limits
from domain.order import ENDS
from event_store.statements import statement

TURN = statement(__file__, "reserve_turn")
UNSETTLE = statement(__file__, "reserve_unsettle")
_SETTLE = statement(__file__, "reserve_settle")
_SETTLE_AMENDED = statement(__file__, "amend_settle")
_USED = statement(__file__, "reserve_used")
_ENDS = [event.TOPIC for event in ORDER_EVENTS if event.status in ENDS]

Exceeded = Literal["max_open_orders", "max_daily_notional", "max_open_notional"]


@dataclass(frozen=True, slots=True)
class Used:
    """In USDC: ``notional_today`` is what was taken since midnight UTC, whatever became of it; ``open_notional`` what
    those open orders are worth that were taken while it was limited.
    """

    open_orders: int
    notional_today: Decimal
    open_notional: Decimal
    day: date

    def with_more(self, notionals: Collection[Decimal]) -> Used:
        worth = sum(notionals, Decimal(0))
        return Used(
            self.open_orders + len(notionals), self.notional_today + worth, self.open_notional + worth, self.day
        )

    def without(self, reserved: Collection[Reserved]) -> Used:
        worth, today = (sum((getattr(one, name) for one in reserved), Decimal(0)) for name in ("worth", "today"))
        return Used(self.open_orders - len(reserved), self.notional_today - today, self.open_notional - worth, self.day)


@dataclass(frozen=True, slots=True)
class Reserved:
    """An order is reserved for at ``worth``, of which ``today`` counts to this day."""

    worth: Decimal
    today: Decimal


async def settled_use(cursor: AsyncCursor[Any], account_id: UUID) -> Used:
    """What counts by now: of what was reserved, what the log has decided meanwhile is settled first."""
    await cursor.execute(_SETTLE_AMENDED, {"account": account_id})
    await cursor.execute(_SETTLE, {"account": account_id, "ends": _ENDS})
    await cursor.execute(_USED, {"account": account_id})
    row = await cursor.fetchone()
    assert row is not None  # noqa: S101 - it selects one row
    return Used(int(row[0]), Decimal(row[1]), Decimal(row[2]), row[3])


def would_be_exceeded(used: Used, limits: Limits, notional: Decimal, *, orders: int = 1) -> Exceeded | None:
    """What so many more ``orders``, worth ``notional`` together, would exceed."""
    if limits.max_open_orders is not None and used.open_orders + orders > limits.max_open_orders:
        return "max_open_orders"
    if limits.max_daily_notional is not None and used.notional_today + notional > limits.max_daily_notional:
        return "max_daily_notional"
    if limits.max_open_notional is not None and used.open_notional + notional > limits.max_open_notional:
        return "max_open_notional"
    return None
