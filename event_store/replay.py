"""Recorded events read back: each into its typed form, and those into a state.

What an event is and how it changes a state is the domain's to say (``is_expected``, ``evolve``); that a stream which
can't be read is that stream's trouble alone is said here, once for commands, read models, streams and verification.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeGuard, TypeVar, cast

from pydantic import BaseModel

from event_store.errors import UnreadableEventError
from event_store.mapper import EventMapper
from event_store.types import PositionedEvent

E = TypeVar("E", bound=BaseModel)
S = TypeVar("S")


def follow(state: S | None, recorded: PositionedEvent, event: E, evolve: Callable[[S | None, E], S]) -> S:
    """``state`` after ``event``, which was recorded as ``recorded``; UnreadableEventError where it cannot follow.

    Commands, read models and streams of a process fold the same events: what one has folded the next one takes, where
    it begins from the very same state.
    """
    memory = recorded.last_fold
    if memory is not None and (done := memory.done) is not None and done[0] is evolve and done[1] is state:
        return cast(S, done[2])
    try:
        after = evolve(state, event)
    except Exception as fault:  # noqa: BLE001 - what cannot follow stays its own stream's
        raise UnreadableEventError(recorded, fault) from None
    if memory is not None:
        memory.done = (evolve, state, after)
    return after


def replay(
    mapper: EventMapper,
    recorded: Iterable[PositionedEvent],
    is_expected: Callable[[object], TypeGuard[E]],
    evolve: Callable[[S | None, E], S],
    state: S | None = None,
) -> Iterator[tuple[E, S]]:
    """Each event of a stream, from the one that follows ``state`` on, and the state after it.

    Raises ``UnreadableEventError`` at the first that can't be read or cannot follow.
    """
    for stored in recorded:
        event = mapper.read(stored, is_expected)
        state = follow(state, stored, event, evolve)
        yield event, state
