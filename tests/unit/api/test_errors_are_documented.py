"""docs/errors.md is the promise; the source is searched for what it must hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.errors import ProblemError
from api.problems import problem_of
from domain.codes import MEANINGS
from domain.errors import DomainError

ROOT = Path(__file__).parents[3]
DOCUMENTED = (ROOT / "docs" / "errors.md").read_text()
RAISED = re.compile(
    r'\b(?:ProblemError|Refusal|_refusal|invalid|_number)\(\s*(?:\d+|value),\s*"([a-z_]+)"|\binvalid\(\s*"([a-z_]+)"'
)
BY_STATUS = re.compile(r'HTTPStatus\.[A-Z_]+: "([a-z_]+)"')


def raised() -> set[str]:
    source = "\n".join(path.read_text() for room in ("api", "serving") for path in (ROOT / room).rglob("*.py"))
    return {one or other for one, other in RAISED.findall(source)} | set(BY_STATUS.findall(source))


def test_every_code_the_api_raises_is_documented() -> None:
    codes = raised()
    assert len(codes) > 30
    assert {code for code in codes if f"| `{code}` |" not in DOCUMENTED} == set()


def test_every_documented_code_is_raised() -> None:
    documented = set(re.findall(r"^\| `([a-z_]+)` \| \d{3} \|", DOCUMENTED, re.MULTILINE))
    assert documented - raised() == {
        *("client_order_id_conflict", "position_lost"),
        *("invalid_account_name", "account_exists", "key_not_found"),
    }


@pytest.mark.parametrize("code", MEANINGS)
def test_every_reason_an_order_fails_for_is_documented(code: str) -> None:
    assert f"| `{code}` |" in DOCUMENTED


def test_a_fault_of_ours_says_nothing_of_itself() -> None:
    body = problem_of(RuntimeError("postgresql://user:secret@host/db")).body()
    assert (body["status"], body["code"]) == (500, "internal_error")
    assert "secret" not in str(body)


def test_a_refusal_of_the_domain_keeps_its_code_and_field() -> None:
    problem = problem_of(DomainError("client_order_id_conflict", "Taken.", field="clientOrderId"))
    assert isinstance(problem, ProblemError)
    assert (problem.status, problem.code, problem.field) == (409, "client_order_id_conflict", "clientOrderId")
