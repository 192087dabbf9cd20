"""An order as the command side knows it."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from domain.events import OrderEvent
from domain.order import Order
from event_store.types import PositionedEvent


class LoadedOrder(Struct, frozen=True, gc=False):
    """An order as of ``version``: its events, the state they fold to, and where the log goes on from.

    ``events`` are fewer than ``version`` where its trail has moved: of moves that follow each other the newest alone is
    kept (``commands.kept_events``). ``trail_moves`` is how many such moves are its newest events.

    ``first_position`` is that of its first event, 0 while that isn't recorded. ``queued_position`` is where its place
    among those that wait is from: its first event, its release, or the last amendment that lost its place.
    """

    order_id: UUID
    account_id: UUID
    order: Order | None = None
    version: int = 0
    events: tuple[OrderEvent, ...] = ()
    first_position: int = 0
    queued_position: int = 0
    last_event_id: UUID | None = None
    correlation_id: UUID | None = None
    trail_moves: int = 0

    @property
    def revision(self) -> int:
        """The version of its newest event that isn't a moved trail: since then nothing that a client decides has
        changed.
        """
        return self.version - self.trail_moves

    def goes_on_with(self, event: PositionedEvent) -> bool:
        """Whether ``event`` is the next one of this history, and of no other."""
        return event.version == self.version + 1 and event.causation_id == self.last_event_id
