"""What is raised becomes problem details, whoever raised it."""

from __future__ import annotations

import json
from typing import Any, cast
from uuid import UUID

import psycopg
import pytest
from litestar import get
from litestar.testing import create_test_client

from api.errors import ProblemError
from api.openapi import EXAMPLES
from api.problems import PLUGIN, log_unavailable, outcome_unknown, problem_of
from commands.errors import SubmissionUnknownError, TooManyConflictsError
from domain.errors import DomainError, PositionLostError
from event_store.errors import LogUnavailableError

ORDER = UUID(int=7)


@pytest.mark.parametrize(
    ("raised", "status", "code", "retryable"),
    [
        (RuntimeError("postgresql://user:secret@host/db"), 500, "internal_error", True),
        (TooManyConflictsError(str(ORDER)), 503, "log_unavailable", True),
        (DomainError("client_order_id_conflict", "Taken.", field="clientOrderId"), 409, None, False),
        (DomainError("account_not_found", "None."), 404, None, False),
        (DomainError("of_tomorrow", "Nobody has thought of it."), 422, None, False),
        (PositionLostError("7"), 410, "position_lost", False),
        (ProblemError(404, "no_venue", "No venue trades it.", field="pair", limit=None), 404, None, False),
        (ProblemError(503, "log_unavailable", "Later.", headers={"Retry-After": "1"}, orderId="7"), 503, None, True),
    ],
)
def test_an_error_is_answered_as_problem_details(
    raised: Exception, status: int, code: str | None, retryable: bool
) -> None:
    @get("/")
    async def fails() -> None:
        raise raised

    with create_test_client([fails], plugins=[PLUGIN], raise_server_exceptions=False) as client:
        answer = client.get("/")
    problem = problem_of(raised)
    body = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert body == problem.body() and None not in body.values() and "secret" not in answer.text
    named = code or cast(Any, raised).code
    assert (body["code"], body["type"], body["retryable"]) == (named, f"urn:surefill:problem:{named}", retryable)
    assert answer.headers.get("retry-after") == problem.headers.get("Retry-After")


@pytest.mark.parametrize("repeatable", [True, False])
def test_an_order_that_may_be_recorded_is_worth_a_repeat_only_where_it_would_be_the_same(repeatable: bool) -> None:
    problem = outcome_unknown(SubmissionUnknownError(ORDER), {"order": "/"}, repeatable=repeatable)
    assert problem.body()["retryable"] == repeatable == ("Retry-After" in problem.headers)
    assert json.loads(json.dumps(problem.body()))["orderId"] == str(ORDER)


@pytest.mark.parametrize(
    ("error", "denied"),
    [
        (LogUnavailableError("gone"), "no new order was recorded"),
        (psycopg.OperationalError("gone"), "no new order was recorded"),
        (TooManyConflictsError(str(ORDER)), None),
    ],
)
def test_what_may_be_recorded_by_then_is_not_denied(error: Exception, denied: str | None) -> None:
    """Of a cancel of many, of an amendment, of a list, some was recorded where a later read fails."""
    detail = problem_of(error).body()["detail"]
    assert "nothing" not in detail.lower() and "may" in detail and "a repeat" in detail
    assert denied is None or denied in detail


def test_the_example_of_a_log_that_can_not_be_reached_is_what_is_answered() -> None:
    assert json.loads((EXAMPLES / "problems.json").read_text())["log_unavailable"] == log_unavailable().body()
