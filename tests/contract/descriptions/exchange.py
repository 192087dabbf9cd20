"""One question and its answer, kept as a line of JSON between the process that records and the one that compares."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Exchange:
    """``description`` is the file it has to fit; ``url`` the server's, the description's first where it is empty;
    ``asked`` a JSON body, None where ``query`` says it all; ``answer`` the text of a JSON body. ``by_us``: the engine's
    client asked, not this check.
    """

    description: str
    url: str
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    asked: Any = None
    status: int = 200
    answer: str = ""
    by_us: bool = True


def keep_where_asked(exchanges: Iterable[Exchange]) -> None:
    """``EXCHANGES`` names the file; without it nothing is kept."""
    if path := os.environ.get("EXCHANGES"):
        keep(Path(path), exchanges)


def keep(path: Path, exchanges: Iterable[Exchange]) -> None:
    with path.open("a") as lines:
        lines.writelines(json.dumps(asdict(one)) + "\n" for one in exchanges)


def kept(path: Path) -> Iterator[Exchange]:
    with path.open() as lines:
        for line in lines:
            yield Exchange(**json.loads(line))
