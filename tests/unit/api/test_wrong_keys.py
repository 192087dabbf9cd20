"""Wrong keys are counted by address, and no number of addresses takes all memory."""

from __future__ import annotations

from api.callers import wrong_keys
from api.callers.wrong_keys import MOST, WINDOW_S, WrongKeys


def test_past_a_few_a_minute_an_address_is_told_to_wait_for_the_rest_of_it() -> None:
    now = 0.0
    wrong = WrongKeys(lambda: now)
    assert [wrong.count("a") for _ in range(MOST)] == [0] * MOST
    now = 20.0
    assert wrong.count("a") == 40 and wrong.count("b") == 0
    now = WINDOW_S
    assert wrong.count("a") == 0


def test_ten_thousand_addresses_are_remembered_and_no_more() -> None:
    wrong = WrongKeys(lambda: 0.0)
    for number in range(wrong_keys._ADDRESSES + 500):
        wrong.count(str(number))
    assert len(wrong._counts) == wrong_keys._ADDRESSES
