"""The storm finds the engine's own defects by what its log says of them: the words must be those that are written."""

from __future__ import annotations

import json
from pathlib import Path

from tests.chaos.storm.errors import _DEFECTS, own_errors

ROOT = Path(__file__).parents[3]
ROOMS = ("api", "runtime", "workers", "projections")


def test_every_line_that_counts_as_a_defect_is_one_the_engine_writes() -> None:
    source = "\n".join(path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    assert [words for words in _DEFECTS if f'"{words}"' not in source] == []


def test_a_defect_is_told_by_its_role_and_its_last_line_and_other_lines_are_none(tmp_path: Path) -> None:
    told = {"role": "worker", "event": _DEFECTS[0], "exception": "Traceback ...\n  | KeyError: 'x'\n  +----"}
    other = {"role": "worker", "event": "lease acquired"}
    log = tmp_path / "up.log"
    log.write_text("\n".join(["surefill: ready", json.dumps(other), json.dumps(told), json.dumps(told)[:-9]]))
    assert own_errors(log) == [f"worker: {_DEFECTS[0]}: KeyError: 'x'"]
