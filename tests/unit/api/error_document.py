"""The tables of docs/errors.md, from the table of problems.

``python -m tests.unit.api.error_document --write`` writes them there, which a test holds equal.
"""

from __future__ import annotations

import sys
from http import HTTPStatus
from pathlib import Path

from api.problem_table import SECTIONS
from api.problem_table.entry import Entry

DOCUMENT = Path(__file__).parents[3] / "docs" / "errors.md"
_HEAD = "| code | status | title | retryable | when | what to do |\n|---|---|---|---|---|---|"


def document() -> str:
    """docs/errors.md as it should be: what stands between its tables is written by hand."""
    text = DOCUMENT.read_text()
    for name, entries in SECTIONS.items():
        mark, end = f"<!-- table: {name}; `make docs` writes it -->", "<!-- end -->"
        before, found, rest = text.partition(mark)
        _, closed, after = rest.partition(end)
        if not (found and closed):
            raise ValueError(f"docs/errors.md has no place for the table {name}")
        text = "\n".join((f"{before}{mark}", _HEAD, *map(_row, entries), f"{end}{after}"))
    return text


def _row(entry: Entry) -> str:
    retryable = "yes" if entry.retryable else "no"
    title = HTTPStatus(entry.status).phrase
    return f"| `{entry.code}` | {entry.status} | {title} | {retryable} | {entry.when} | {entry.remedy} |"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        DOCUMENT.write_text(document())
    else:
        print(document(), end="")
