"""Positions as clients see them."""

from __future__ import annotations

import pytest

from domain.epochs import Epochs, epochs
from domain.errors import PositionLostError
from domain.log_behind import LogFoundBehind


def put_back(epoch: int, ended_at: int) -> LogFoundBehind:
    return LogFoundBehind(reason="It was.", epoch=epoch, ended_at=ended_at, witnessed=None)


def test_a_log_that_was_never_put_back_has_one_epoch() -> None:
    assert Epochs().shown(8) == "1.8"
    assert (Epochs().read("1.8"), Epochs().read("8"), Epochs().read("1.999999")) == (8, 8, 999_999)


def test_the_lost_end_of_an_epoch_is_refused_and_what_came_before_it_is_not() -> None:
    known = epochs([put_back(2, 46)])
    assert (known.shown(46), known.shown(47)) == ("1.46", "2.47")
    assert (known.read("1.46"), known.read("46"), known.read("2.47")) == (46, 46, 47)
    for lost in ("1.47", "47", "1.60"):
        with pytest.raises(PositionLostError) as refused:
            known.read(lost)
        assert (refused.value.code, refused.value.ended_at) == ("position_lost", "1.46")


def test_a_log_put_back_twice_may_lose_a_whole_epoch() -> None:
    known = epochs([put_back(2, 46), put_back(3, 20)])
    assert (known.shown(20), known.shown(30), known.shown(50)) == ("1.20", "3.30", "3.50")
    for lost in ("1.30", "2.47"):
        with pytest.raises(PositionLostError) as refused:
            known.read(lost)
        # The second epoch had begun after what the log ends its first with now.
        assert refused.value.ended_at == "1.20"
    assert known.read("1.20") == 20


def test_a_position_of_an_epoch_the_log_has_lost_whole_is_refused() -> None:
    for known, lost in ((Epochs(), "2.47"), (epochs([put_back(2, 46)]), "3.60")):
        with pytest.raises(PositionLostError) as refused:
            known.read(lost)
        # What the log had come to before that epoch began, nothing tells.
        assert refused.value.ended_at is None and "position 1." not in refused.value.detail


@pytest.mark.parametrize("text", ["", ".", "1.", ".1", "0.1", "-1", "1.2.3", "1e3", "x", "9" * 19, "١"])
def test_what_is_no_position_is_refused_as_such(text: str) -> None:
    with pytest.raises(ValueError, match="is no position"):
        Epochs().read(text)
