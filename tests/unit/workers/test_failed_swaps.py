"""Which venue's quotes an order passes over, why, and for how long."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.unit.domain.scenario import quote
from venues.protocol import VenueQuote
from workers.execution import failed_swaps
from workers.execution.failed_swaps import KEPT_S, FailedSwaps
from workers.execution.quoting import Answers

ANSWERS = Answers((VenueQuote(quote(2, "Jupiter")), VenueQuote(quote(1, "Orca"))), ())


def test_a_failure_is_kept_for_its_order_and_a_minute() -> None:
    now, order_id = [100.0], uuid4()
    failed = FailedSwaps(lambda: now[0])
    failed.add(order_id, "Jupiter", "program_error")
    others = failed.without(order_id, ANSWERS)
    assert others is not None
    assert [one.quote.venue for one in others.offers] == ["Orca"]
    assert [(one.venue, one.code) for one in others.refusals] == [("Jupiter", "venue_unavailable")]
    assert failed.without(uuid4(), ANSWERS) is None
    now[0] += KEPT_S
    assert failed.without(order_id, ANSWERS) is None


def test_what_counts_no_more_is_forgotten_when_another_fails() -> None:
    now, first = [100.0], uuid4()
    failed = FailedSwaps(lambda: now[0])
    for order_id in (first, *(uuid4() for _ in range(9))):
        failed.add(order_id, "Jupiter", "program_error")
    now[0] += KEPT_S / 2
    failed.add(first, "Raydium", "program_error")
    assert len(failed) == 10
    now[0] += KEPT_S / 2
    failed.add(uuid4(), "Jupiter", "program_error")
    assert len(failed) == 2
    assert failed.without(first, ANSWERS) is None


def test_of_too_many_orders_that_one_is_forgotten_whose_swap_failed_longest_ago(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(failed_swaps, "MOST_ORDERS", 2)
    failed, first, second = FailedSwaps(), uuid4(), uuid4()
    for order_id in (first, second, first, uuid4()):
        failed.add(order_id, "Jupiter", "program_error")
    assert len(failed) == 2
    assert failed.without(second, ANSWERS) is None
    assert failed.without(first, ANSWERS) is not None


@pytest.mark.parametrize("code", ["venue_rate_limited", "signer_unavailable", "lamport_reserve", "guard_taken"])
def test_what_is_no_venues_fault_is_not_kept(code: str) -> None:
    failed, order_id = FailedSwaps(), uuid4()
    failed.add(order_id, "Jupiter", code)
    assert failed.without(order_id, ANSWERS) is None
