"""Slots of any length, and pauses in which nothing is settled."""

from __future__ import annotations

import random

from localnet.behaviour import Behaviour


def test_slots_are_even_unless_they_have_a_range() -> None:
    assert {Behaviour(slot_ms=100).slot_s() for _ in range(20)} == {0.1}
    spread = Behaviour(slot_ms=200, most_ms=400, dice=random.Random(1))
    slots = [spread.slot_s() for _ in range(1_000)]
    assert 0.2 <= min(slots) < 0.21
    assert 0.39 < max(slots) <= 0.4
    assert abs(sum(slots) / len(slots) - spread.mean_s) < 0.01


def test_a_pause_begins_after_its_time_lasts_its_time_and_comes_again() -> None:
    pausing = Behaviour(pause_every=30, pause_for=10)
    assert [pausing.pauses(at) for at in (0, 29.9, 30, 39.9, 40, 69.9, 70)] == [
        *(False, False, True, True, False, False, True),
    ]  # fmt: skip
    assert not any(Behaviour().pauses(at) for at in range(100))
