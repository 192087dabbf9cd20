"""When an order's guard may be closed so that its rent comes back, and what becomes of a reclaim.

While the guard is there the chain refuses every other transaction of the order, whatever log it comes from. Closed, it
refuses nothing any more: so it stays until nothing can come again that it would have to stop.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never
from uuid import UUID

from domain.account_event import AccountEvent
from domain.events import ORDER_EVENTS, OrderCancelled, OrderConfirmed, OrderEvent, OrderFailed
from domain.evidence import BLOCKHASH_LIFE
from domain.order import Order
from domain.reclaim_events import ReclaimBuilt, ReclaimExpired, ReclaimFailed, ReclaimLanded

MOST_GUARDS = 21
"""Of so many guards a reclaim fits into a packet."""

_OPEN = (None, "pending", "routing", "building", "submitted")
ENDS = frozenset(event.TOPIC for event in ORDER_EVENTS if event.status not in _OPEN)
"""The topics that end an order."""


@dataclass(frozen=True, slots=True)
class GuardedOrder:
    """An order that shares a guard; ``last_event_at`` is when the last of its events was recorded."""

    order_id: UUID
    order: Order
    last_event_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """Why a guard stays, a sentence; ``until`` is when that ends by itself, where it does."""

    reason: str
    until: datetime | None = None


def kept_for(sharing: Sequence[GuardedOrder], *, keep: timedelta, now: datetime, height: int) -> Kept | None:
    """Why the guard that all of ``sharing`` make is not closed yet; None where it may be.

    ``height`` is the finalized block height. An order's events come after its end and after the making of the guard
    that ended it, so that the last of them says from when on ``keep`` counts.
    """
    for one in sharing:
        if not one.order.ended:
            return Kept(f"order {one.order_id} has not ended")
    for one in sharing:
        if waits := _may_still_come(one, height):
            return Kept(waits)
    due = max(one.last_event_at for one in sharing) + keep
    if now < due:
        return Kept("GUARD_KEEP after the order's end is not over", due)
    return None


def is_maker_known(order: Order) -> bool:
    """Whether the log says which transaction made the order's guard: its swap, its cancel, or one from elsewhere, which
    is none of this log's, and yet recorded: read from the wallet's history.
    """
    return order.guard_taken_by is not None or order.was_executed_elsewhere


def rent_in_guard(event: OrderEvent) -> int | None:
    """The lamports that lie in an order's guard after its end ``event``; None where it doesn't say so."""
    match event:
        case OrderConfirmed(guard_rent_lamports=lamports):
            return lamports
        case OrderCancelled(evidence=cancel) | OrderFailed(evidence=cancel) if cancel:
            return cancel.guard_rent_lamports
    return None


def may_have_guard(event: OrderEvent) -> bool:
    """Whether an order's guard may be on the chain after its end ``event``: not after a swap from before guards."""
    return not isinstance(event, OrderConfirmed) or event.guard_rent_lamports is not None or event.because is not None


def _may_still_come(one: GuardedOrder, height: int) -> str | None:
    for attempt in one.order.attempts:
        if attempt.end is None:
            return f"attempt {attempt.number} of order {one.order_id} has no end yet"
        if height <= attempt.lands_until:
            return f"attempt {attempt.number} of order {one.order_id} is not past its height"
    return None


ReclaimEnd = ReclaimLanded | ReclaimFailed | ReclaimExpired


@dataclass(frozen=True, slots=True)
class Reclaim:
    """A reclaim's state; ``end`` is None while it may land."""

    built: ReclaimBuilt
    end: ReclaimEnd | None = None

    @property
    def lands_until(self) -> int:
        """The last block height at which it may land, whatever was said of its blockhash."""
        return max(self.built.last_valid_block_height, self.built.height + BLOCKHASH_LIFE)

    @property
    def order_ids(self) -> tuple[UUID, ...]:
        return tuple(order_id for guard in self.built.guards for order_id in guard.order_ids)


def reclaim(events: Iterable[AccountEvent]) -> Reclaim | None:
    """The state after the events of a reclaim's stream; None before the first. Raises ``ValueError``."""
    state: Reclaim | None = None
    for event in events:
        if isinstance(event, ReclaimBuilt):
            state = Reclaim(event)
        elif state is None or not isinstance(event, ReclaimLanded | ReclaimFailed | ReclaimExpired):
            raise ValueError(f"{type(event).__name__} can't follow in a reclaim's stream")
        else:
            state = Reclaim(state.built, event)
    return state


def record_end(state: Reclaim, end: ReclaimEnd) -> list[AccountEvent]:
    """The reclaim's end, once. Raises ``ValueError`` where that isn't its end."""
    if state.end is not None:
        return []
    if end.signature != state.built.signature:
        raise ValueError("that is the end of another reclaim")
    match end:
        case ReclaimExpired():
            if end.height <= state.lands_until or end.guard not in {guard.guard for guard in state.built.guards}:
                raise ValueError("that is no proof that the reclaim never landed")
        case ReclaimLanded() | ReclaimFailed():
            pass
        case _:
            assert_never(end)
    return [end]


def batches(sizes: Sequence[int]) -> list[list[int]]:
    """How guards are put together, by their index, where ``sizes`` says in how large a reclaim each may be.

    One that was in a reclaim that failed may be in one of half the size, so that those that fail are found alone.
    """
    found: list[list[int]] = []
    open_batch: dict[int, list[int]] = {}
    for index, size in enumerate(sizes):
        batch = open_batch.setdefault(size, [])
        batch.append(index)
        if len(batch) >= size:
            found.append(open_batch.pop(size))
    return found + list(open_batch.values())
