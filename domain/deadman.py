"""An account's dead-man's switch: what it has open is cancelled at an instant, unless its client says otherwise before.

Its stream's newest event says all there is to know.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid5

from domain.deadman_events import DeadmanFinished, DeadmanFired, DeadmanSet
from domain.errors import DomainError

LEAST_AHEAD = timedelta(seconds=5)
"""A client that sets it has so long at least to say otherwise."""

DeadmanState = Literal["off", "armed", "firing", "fired"]


def deadman_stream(account_id: UUID) -> UUID:
    return uuid5(account_id, "dead-man's switch")


DeadmanEvent = DeadmanSet | DeadmanFired | DeadmanFinished


@dataclass(frozen=True, slots=True)
class Deadman:
    """The switch as of ``version`` of its stream. ``cancel_at`` is None while it is off; ``last``, what it came to."""

    version: int = 0
    state: DeadmanState = "off"
    cancel_at: datetime | None = None
    last: DeadmanFinished | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether what is open is to be cancelled: nothing that waits may be triggered from here on until it was."""
        if self.cancel_at is None or self.state in ("off", "fired"):
            return False
        return self.state == "firing" or self.cancel_at <= now

    def state_at(self, now: datetime) -> DeadmanState:
        """What it is to its client: from its instant on it can't be taken back, whether anybody has begun or not."""
        return "firing" if self.is_due(now) else self.state


def deadman(version: int, newest: DeadmanEvent) -> Deadman:
    """The switch after ``newest``, event ``version`` of its stream."""
    match newest:
        case DeadmanSet(cancel_at=None):
            return Deadman(version)
        case DeadmanSet():
            return Deadman(version, "armed", newest.cancel_at)
        case DeadmanFired():
            return Deadman(version, "firing", newest.cancel_at)
        case DeadmanFinished():
            return Deadman(version, "fired", newest.cancel_at, newest)


def set_deadman(switch: Deadman, cancel_at: datetime | None, by: str, now: datetime) -> DeadmanSet | None:
    """None where it stands so already. Raises ``DomainError``: ``deadman_due``, ``cancel_at_too_soon``."""
    if switch.is_due(now):
        raise DomainError("deadman_due", "The switch is due: what is open is being cancelled.")
    armed_at = switch.cancel_at if switch.state == "armed" else None
    if armed_at == cancel_at and switch.state in ("off", "armed"):
        # Also where a client asks again after a lost answer, and the instant is near by now.
        return None
    if cancel_at is not None and cancel_at < now + LEAST_AHEAD:
        seconds = LEAST_AHEAD // timedelta(seconds=1)
        raise DomainError("cancel_at_too_soon", f"cancelAt is at least {seconds} s ahead.", field="cancelAt")
    return DeadmanSet(cancel_at=cancel_at, by=by)


def fire(switch: Deadman, now: datetime) -> DeadmanFired | None:
    """None where it isn't armed and due."""
    if switch.state != "armed" or switch.cancel_at is None or not switch.is_due(now):
        return None
    return DeadmanFired(cancel_at=switch.cancel_at)
