"""What the engine's own log says went wrong with the engine: supervision that hides a defect is no promise kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_DEFECTS = (
    "ended by an error",
    "visit failed",
    "role ended by an error; it begins again",
    "request failed",
    "stream failed",
)


def own_errors(log: Path) -> list[str]:
    """A line for each defect a role's log tells of: an unforeseen exception, whoever caught it.

    A lost lease is none: the role, PostgreSQL or the machine stood still.
    """
    found = []
    for line in _lines(log):
        if line.get("event") in _DEFECTS:
            told = str(line.get("exception", "")).splitlines() or [""]
            last = next((one.strip("| ") for one in reversed(told) if one.strip("|+- ")), "")
            found.append(f"{line.get('role')}: {line['event']}: {last[:200]}")
    return found


def sentences(log: Path) -> list[str]:
    """Why the engine said it could not start, the last one last."""
    return [line for line in log.read_text(errors="replace").splitlines() if line.startswith("surefill: ")]


def _lines(log: Path) -> Iterator[dict[str, Any]]:
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except ValueError:
                continue  # whoever wrote it was killed in mid-line
