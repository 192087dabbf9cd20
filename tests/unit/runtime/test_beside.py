"""What a process does beside its roles."""

from __future__ import annotations

import pytest

from runtime.roles import SHARED
from runtime.roles.process import AFTER_HISTORY, HELD_BACK, _beside
from runtime.settings import Settings

SETTINGS = Settings(_env_file=None)


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
    assert _beside(names, SETTINGS) == wanted
    unwitnessed = SETTINGS.model_copy(update={"witness": "off"})
    assert _beside(names, unwitnessed) == [name for name in wanted if name != "witness"]


def test_on_paper_nothing_is_signed_so_no_rent_comes_back() -> None:
    assert _beside(("worker",), SETTINGS.model_copy(update={"paper": True})) == ["witness", "wallet_history"]


def test_who_sends_to_landers_counts_what_became_of_it() -> None:
    landing = SETTINGS.model_copy(update={"lander_urls": ("http://127.0.0.1:1",)})
    assert [_beside((name,), landing)[-1:] for name in ("worker", "tracker", "api")] == [["landers"], ["landers"], []]


def test_whoever_waits_for_the_history_has_it_compared_in_the_same_process_and_is_held_back() -> None:
    for name in AFTER_HISTORY & set(SHARED):
        assert "wallet_history" in _beside((name,), SETTINGS)
    assert AFTER_HISTORY < HELD_BACK
