"""The events by which a process remembers an order: of moves of its trail that follow each other the newest alone.

A trail moves many times a minute for as long as its order waits, and each move says all that those before it did.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from domain.events import OrderEvent, TrailMoved


def kept(before: Sequence[OrderEvent], following: Iterable[OrderEvent]) -> tuple[OrderEvent, ...]:
    """Those of ``before``, which are kept already, and of ``following``, which come after them."""
    events = list(before)
    for event in following:
        if events and isinstance(event, TrailMoved) and isinstance(events[-1], TrailMoved):
            events[-1] = event
        else:
            events.append(event)
    return tuple(events)


def moves_since(before: int, following: Iterable[OrderEvent]) -> int:
    """How many moves of its trail are an order's newest events, after ``following``: ``before`` were until then."""
    for event in following:
        before = before + 1 if isinstance(event, TrailMoved) else 0
    return before
