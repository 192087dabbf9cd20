"""A follower gets each message once and in order, or hears why it can't; a message is made once for all of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY

from event_store.errors import PositionGapError
from projections.errors import FeedStoppedError, SlowConsumerError
from projections.followed_order import FollowedOrder, Follower
from tests.unit.projections.recording import MAPPER, ORDER, record
from tests.unit.projections.test_fold_batch import WHOLE

HISTORY = record(WHOLE)


def followed(*, events: bool = True, kept: int = 100) -> FollowedOrder:
    return FollowedOrder(ORDER, MAPPER, events=events, kept=kept)


def following(order: FollowedOrder, after: int = 0, wake: Callable[[], None] = lambda: None) -> Follower:
    return Follower(order, after, wake)


def taken(follower: Follower) -> list[str]:
    return list(iter(follower.next, None))


def made() -> float:
    return REGISTRY.get_sample_value("surefill_live_messages_made_total") or 0


def test_messages_are_made_once_and_are_the_same_objects_for_all_followers() -> None:
    order, before = followed(), made()
    live = [following(order) for _ in range(3)]
    order.take_history(HISTORY)
    texts = taken(live[0])
    assert len(texts) == len(HISTORY)
    for other in [taken(one) for one in [*live[1:], following(order)]]:
        assert all(one is another for one, another in zip(texts, other, strict=True))
    assert made() - before == len(HISTORY)


def test_a_follower_gets_what_comes_after_its_version() -> None:
    order = followed()
    order.take_history(HISTORY[:4])
    whole, resumed = following(order), following(order, 2)
    for event in HISTORY[4:]:
        order.take(event)
    assert taken(resumed) == taken(whole)[2:]
    assert order.ended


def test_what_is_known_already_is_not_said_again() -> None:
    order = followed()
    follower = following(order)
    order.take_history(HISTORY[:3])
    order.take_history(HISTORY)
    assert len(taken(follower)) == len(HISTORY)


def test_what_comes_while_the_order_is_read_is_said_after_it() -> None:
    order = followed()
    follower = following(order)
    for event in HISTORY[3:]:
        order.take(event)
    assert taken(follower) == []
    order.take_history(HISTORY[:3])
    assert len(taken(follower)) == len(HISTORY)


def test_a_follower_is_woken_for_a_message_and_not_for_an_event_that_says_nothing() -> None:
    order, woken = followed(events=False), [0]

    def wake() -> None:
        woken[0] += 1

    follower = following(order, wake=wake)
    for event in HISTORY:
        order.take(event)
        taken(follower)
    silent = sum(order.message(version).text is None for version in range(1, order.version + 1))  # type: ignore[union-attr]
    assert silent > 0
    assert woken[0] == len(HISTORY) - silent


def test_one_that_falls_behind_is_told_so_and_the_others_are_not_held_up() -> None:
    order = followed(kept=2)
    slow, quick = following(order), following(order)
    seen = []
    for event in HISTORY:
        order.take(event)
        seen += taken(quick)
    assert len(seen) == len(HISTORY)
    with pytest.raises(SlowConsumerError):
        slow.next()


def test_as_many_may_wait_as_are_kept_beside_what_was_there_before() -> None:
    order = followed(kept=2)
    order.take_history(HISTORY[:3])
    follower = following(order)
    assert len(follower.history) == 2
    for event in HISTORY[3:5]:
        order.take(event)
    assert len(taken(follower)) == 4


def test_a_fault_comes_after_the_last_message_and_to_everybody() -> None:
    order = followed()
    followers = [following(order) for _ in range(2)]
    order.take_history(HISTORY[:2])
    order.end(FeedStoppedError())
    for follower in followers:
        assert [follower.next() is not None for _ in range(2)] == [True, True]
        with pytest.raises(FeedStoppedError):
            follower.next()


def test_a_gap_is_a_fault_and_nothing_is_said_beyond_it() -> None:
    order = followed()
    follower = following(order)
    order.take_history(HISTORY[:2])
    order.take(HISTORY[3])
    assert [follower.next() is not None for _ in range(2)] == [True, True]
    with pytest.raises(PositionGapError):
        follower.next()
