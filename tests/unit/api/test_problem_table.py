"""The table of problems is what the source answers with, what docs/errors.md says, and what tests have seen."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from api.problem_table import PROBLEMS, SECTIONS
from api.serving.refusal import Refusal
from domain.codes import MEANINGS
from tests.unit.api.error_document import DOCUMENT, document

ROOT = Path(__file__).parents[3]
# Where tests ask the API; the others may say a code of the domain's that reads the same.
ASKING = ("unit/api", "integration/api", "integration/runtime", "e2e")
# What the domain and the commands refuse: the API asks the table for its status.
OF_THE_DOMAIN = {
    *("trading_halted", "trading_reducing", "pair_not_allowed", "order_too_large", "price_outside_band"),
    *("open_orders_exceeded", "notional_exceeded"),
    *("client_list_id_conflict", "invalid_slices", "invalid_every_ms", "not_sliceable"),
    *("client_order_id_conflict", "position_lost", "invalid_account_name", "account_exists", "account_not_found"),
    *("key_not_found", "amount_not_allowed", "history_not_compared"),
}


@cache
def answered() -> frozenset[tuple[str, int | None]]:
    """Each code that the source of the API answers with, and its status where it stands beside it."""
    found = {one for path in (ROOT / "api").rglob("*.py") for one in _answered(ast.parse(path.read_text()))}
    assert len(found) > 60
    return frozenset(found)


def _answered(module: ast.Module) -> Iterator[tuple[str, int | None]]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            given = [one.value if isinstance(one, ast.Constant) else None for one in node.args]
            match node.func.id, given:
                case (("ProblemError" | "Refusal" | "_refusal"), [int(status), str(code), *_]):
                    yield code, status
                case ("invalid", [str(code), *_]) | ("_number", [_, str(code), *_]):
                    yield code, 422
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_OF_STATUS":
            assert isinstance(node.value, ast.Dict)
            yield from ((one.value, None) for one in node.value.values if isinstance(one, ast.Constant))
        elif isinstance(node, ast.Constant) and node.value == "bad_request":
            yield "bad_request", None


def test_every_code_that_is_answered_has_its_row_and_no_row_is_idle() -> None:
    assert {code for code, _ in answered()} | OF_THE_DOMAIN == set(PROBLEMS)


def test_a_code_stands_once_and_always_has_one_status() -> None:
    assert sum(map(len, SECTIONS.values())) == len(PROBLEMS)
    assert {(code, status) for code, status in answered() if status not in {None, PROBLEMS[code].status}} == set()


@pytest.mark.parametrize("code", PROBLEMS)
def test_what_is_worth_a_repeat_is_so_whoever_refuses(code: str) -> None:
    entry = PROBLEMS[code]
    assert entry.when and entry.remedy
    if code not in {"log_behind", "version_not_found"}:
        assert entry.retryable == (entry.status in {408, 423, 429} or entry.status >= 500)
    # What is answered before the application has no table: it goes by the status.
    if entry.status in {400, 403, 408, 413, 429, 431}:
        assert Refusal(entry.status, code, "").retryable == entry.retryable


def test_the_document_says_what_the_table_does() -> None:
    assert DOCUMENT.read_text() == document(), "run `make docs`"


@pytest.mark.parametrize("code", MEANINGS)
def test_every_reason_an_order_fails_for_is_documented(code: str) -> None:
    assert f"| `{code}` |" in DOCUMENT.read_text()


def test_every_code_is_reached_by_a_test() -> None:
    """A test names the code that it got, in an assertion, in its parameters or in a table of them."""
    named: set[str] = set()
    for room in ASKING:
        for path in (ROOT / "tests" / room).rglob("test_*.py"):
            if path != Path(__file__) and path.name != "test_examples.py":
                constants = (one for one in ast.walk(ast.parse(path.read_text())) if isinstance(one, ast.Constant))
                named |= {one.value for one in constants if isinstance(one.value, str)}
    assert set(PROBLEMS) - named == set()
