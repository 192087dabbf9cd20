from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from event_store.append.batch import MAX_BYTES, take_batch
from event_store.types import AppendRequest, NewEvent, StreamGuard

NOBODY = UUID(int=0)


@dataclass(frozen=True, eq=False)
class Waiting:
    request: AppendRequest


def waiting(writes: str, guards: str = "", size: int = 0) -> Waiting:
    events = tuple(NewEvent(UUID(int=ord(s)), 1, NOBODY, "t", b"x" * size, *[NOBODY] * 3, None) for s in writes)
    return Waiting(AppendRequest(events, tuple(StreamGuard(UUID(int=ord(s)), 1) for s in guards)))


def test_requests_of_different_streams_go_together() -> None:
    queue = deque([waiting("a"), waiting("b"), waiting("cd")])
    assert (len(take_batch(queue, 300)), len(queue)) == (3, 0)


def test_the_second_request_of_a_stream_waits_and_the_others_do_not() -> None:
    queue = deque([a1 := waiting("a"), a2 := waiting("a"), b := waiting("b")])
    assert take_batch(queue, 300) == [a1, b]
    assert take_batch(queue, 300) == [a2]


def test_what_touches_a_held_back_request_is_held_back_too() -> None:
    queue = deque([a := waiting("a"), ab := waiting("ab"), b := waiting("b"), c := waiting("c")])
    assert take_batch(queue, 300) == [a, c]
    assert take_batch(queue, 300) == [ab]
    assert take_batch(queue, 300) == [b]


def test_guards_may_share_a_stream_but_not_with_its_writer() -> None:
    queue = deque([a := waiting("a", "t"), b := waiting("b", "t"), t := waiting("t"), c := waiting("c", "t")])
    assert take_batch(queue, 300) == [a, b]
    assert take_batch(queue, 300) == [t]
    assert take_batch(queue, 300) == [c]


def test_a_batch_ends_at_its_limits_but_a_large_request_goes_alone() -> None:
    queue = deque([waiting("a", size=MAX_BYTES * 2), waiting("b"), waiting("c"), waiting("d")])
    assert len(take_batch(queue, 2)) == 1
    assert len(take_batch(queue, 2)) == 2
    assert len(take_batch(queue, 2)) == 1


requests = st.builds(waiting, st.text("abcd", min_size=1, max_size=2), st.text("abcd", max_size=1))


@given(st.lists(requests, max_size=30), st.integers(1, 6))
def test_every_request_goes_once_and_those_that_meet_keep_their_order(items: list[Waiting], limit: int) -> None:
    queue = deque(items)
    batches = []
    while queue:
        batches.append(take_batch(queue, limit))
        assert 1 <= len(batches[-1]) <= limit

    sent = {id(item): n for n, batch in enumerate(batches) for item in batch}
    assert len(sent) == sum(map(len, batches)) == len(items)
    for i, first in enumerate(items):
        for second in items[i + 1 :]:
            if _meet(first, second):
                assert sent[id(first)] < sent[id(second)]


def _meet(one: Waiting, other: Waiting) -> bool:
    def sets(item: Waiting) -> tuple[set[UUID], set[UUID]]:
        writes = {event.stream_id for event in item.request.events}
        return writes, writes | {g.stream_id for g in item.request.guards if isinstance(g, StreamGuard)}

    (writes, touches), (other_writes, other_touches) = sets(one), sets(other)
    return bool(writes & other_touches or other_writes & touches)
