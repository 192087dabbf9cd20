"""What explains a failure: a fault is felt until the engine serves again, however long that takes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.events import OrderFailed
from tests.chaos.storm.causes import unexplained
from tests.chaos.storm.monkey import Struck
from tests.chaos.storm.plan import Strike

BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
ENDED = BEGUN + timedelta(seconds=120)
FAILED = OrderFailed(code="transaction_expired", detail="", retryable=True)


def killed(served_again: float | None) -> Struck:
    at = BEGUN + timedelta(seconds=10)
    return Struck(
        Strike(0, "kill", "engine"), at, at, None if served_again is None else at + timedelta(seconds=served_again)
    )


def test_an_engine_that_took_long_to_come_back_explains_what_expired_meanwhile() -> None:
    assert unexplained(FAILED, BEGUN, ENDED, [killed(80)]) is None
    for served_again in (None, 1, 20):
        assert unexplained(FAILED, BEGUN, ENDED, [killed(served_again)])


def test_what_no_fault_causes_is_never_explained() -> None:
    failed = OrderFailed(code="no_venue", detail="", retryable=False)
    assert unexplained(failed, BEGUN, ENDED, [killed(110)])
