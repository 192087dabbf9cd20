"""What the log says of orders that share a guard: one success a list, one guard a list, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

import pytest

from domain.legs import Leg, leg_id
from event_store.hash_chain.verification import Finding
from verification.attempts import Attempt, Attempts
from verification.report import Report
from verification.shared_guards import verify_shared_guards

LIST = UUID(int=7)
FIRST, SECOND, ALONE = leg_id(LIST, 1), leg_id(LIST, 2), UUID(int=1)


@pytest.fixture
def attempts() -> Iterator[Attempts]:
    with closing(Attempts()) as attempts:
        for number, order_id in enumerate((FIRST, SECOND), 1):
            attempts.exclude(order_id, Leg(list_id=LIST, kind="oco", number=number))
        attempts.exclude(ALONE, None)
        yield attempts


def attempt(order_id: UUID, guard: str, ending: str | None) -> Attempt:
    return Attempt(f"signature-{order_id}", order_id, 1, "wallet", "genesis", 3, ending, 9, "in", "out", guard=guard)  # type: ignore[arg-type]


def found(attempts: Attempts, *recorded: Attempt) -> list[tuple[str, UUID | None]]:
    attempts.record(recorded)
    findings: list[Finding] = []
    verify_shared_guards(attempts, Report(findings.append))
    return [(finding.verdict, finding.stream_id) for finding in findings]


def test_one_success_under_a_shared_guard_is_as_it_should_be(attempts: Attempts) -> None:
    sound = (attempt(FIRST, "shared", "confirmed"), attempt(SECOND, "shared", "rejected"))
    assert found(attempts, *sound, attempt(ALONE, "own", "confirmed")) == []


def test_two_recorded_successes_of_orders_that_exclude_each_other_differ(attempts: Attempts) -> None:
    both = [attempt(order_id, "shared", "confirmed") for order_id in (FIRST, SECOND)]
    assert found(attempts, *both) == [("differs", min(FIRST, SECOND, key=str))]


def test_two_guards_of_orders_that_exclude_each_other_differ(attempts: Attempts) -> None:
    apart = (attempt(FIRST, "one", "confirmed"), attempt(SECOND, "another", None))
    assert found(attempts, *apart) == [("differs", min(FIRST, SECOND, key=str))]


def test_a_guard_of_orders_that_have_nothing_to_do_with_each_other_differs(attempts: Attempts) -> None:
    alike = (attempt(FIRST, "shared", "confirmed"), attempt(ALONE, "shared", None))
    assert found(attempts, *alike) == [("differs", min(FIRST, ALONE, key=str))]


def test_two_successes_on_the_chain_of_orders_that_exclude_each_other_are_counted_as_of_one(attempts: Attempts) -> None:
    for order_id in (FIRST, SECOND, ALONE):
        attempts.succeeded(order_id, f"signature-{order_id}")
    assert list(attempts.succeeded_twice()) == [(min(FIRST, SECOND, key=str), 2)]
