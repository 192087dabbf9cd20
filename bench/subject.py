"""What is measured, as the lanes see it: something that takes orders over HTTP and says over WebSocket how they end.

The engine is one, the peer is another: both serve `POST /api/orders/execute` and `/ws/orders/{id}` on loopback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

EXECUTE = "/api/orders/execute"


@dataclass(frozen=True, slots=True)
class Ended:
    """How many orders have ended since a mark, how many of them unconfirmed, and when the last one did (Unix time)."""

    count: int
    failed: int
    last_at: float


class Mark(Protocol):
    """The moment before a run. ``ended`` may be asked again and again."""

    def ended(self) -> Ended: ...

    def close(self) -> None: ...


class Subject(Protocol):
    """``body`` is one market order's; ``path`` is every status that a confirmed one's socket shows."""

    name: str
    port: int
    body: bytes
    path: tuple[str, ...]

    @property
    def ports(self) -> tuple[int, ...]:
        """Where orders are taken; ``port`` is the first."""
        ...

    def roots(self) -> Sequence[int]:
        """Process ids; with all below them they are what the subject consists of."""
        ...

    def mark(self) -> Mark: ...
