"""What a process does beside its roles."""

from __future__ import annotations

import pytest

from runtime.roles import SHARED
from runtime.roles.process import AFTER_HISTORY, HELD_BACK, _beside


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (SHARED, ["reclaim", "witness", "wallet_history"]),
        (("worker",), ["reclaim", "witness", "wallet_history"]),
        (("tracker",), ["wallet_history"]),
        (("api", "projector", "watcher"), []),
    ],
)
def test_who_signs_takes_rents_back_and_keeps_the_witness_and_who_signs_or_ends_compares_the_history(
    names: tuple[str, ...], wanted: list[str]
) -> None:
    assert _beside(names, witnessed=True) == wanted
    assert _beside(names, witnessed=False) == [name for name in wanted if name != "witness"]


def test_whoever_waits_for_the_history_has_it_compared_in_the_same_process_and_is_held_back() -> None:
    for name in AFTER_HISTORY & set(SHARED):
        assert "wallet_history" in _beside((name,), witnessed=False)
    assert AFTER_HISTORY < HELD_BACK
