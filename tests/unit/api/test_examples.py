"""The examples of the OpenAPI document agree with what the engine and docs/errors.md say."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from api.errors import ProblemError
from api.openapi import EXAMPLE_ORDER_ID, EXAMPLES
from cli.demo import FIRST_ORDER
from commands.ids import DEFAULT_ACCOUNT, order_id

ROOT = Path(__file__).parents[3]
ERRORS = (ROOT / "docs" / "errors.md").read_text()
PROBLEMS: dict[str, dict[str, Any]] = json.loads((EXAMPLES / "problems.json").read_text())


def test_the_example_is_the_first_order_of_every_new_engine() -> None:
    assert str(order_id(DEFAULT_ACCOUNT, FIRST_ORDER["clientOrderId"])) == EXAMPLE_ORDER_ID
    for text in (ROOT / "README.md", ROOT / "api" / "docs" / "description.md", EXAMPLES / "getOrder.json"):
        assert EXAMPLE_ORDER_ID in text.read_text()


@pytest.mark.parametrize("code", PROBLEMS)
def test_a_problem_is_written_as_the_engine_writes_it_with_its_documented_status(code: str) -> None:
    example = PROBLEMS[code]
    own = {"type", "title", "status", "detail", "code", "field"}
    more = {name: value for name, value in example.items() if name not in own}
    problem = ProblemError(example["status"], code, example["detail"], field=example.get("field"), **more)
    assert problem.body() == example
    assert re.search(rf"^\| `{code}` \| {example['status']} \|", ERRORS, re.MULTILINE)
