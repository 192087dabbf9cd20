"""How a verification looks: lines for people, JSON lines for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from event_store.hash_chain.verification import Check, Finding, Verdict
from verification.report import DIFFERS, EQUAL, UNCHECKED, Report, T, Track, untracked

MOST_SHOWN = 50
_STYLES: dict[Verdict, str] = {"differs": "bold red", "unchecked": "yellow", "pending": "cyan", "acknowledged": "dim"}
_WORDS: dict[Verdict, str] = {
    "differs": "DIFFERS",
    "unchecked": "not checked",
    "pending": "on its way",
    "acknowledged": "noted",
}
_VERDICTS = {
    EQUAL: Text("all equal", "bold green"),
    DIFFERS: Text("something differs", "bold red"),
    UNCHECKED: Text("nothing differs, but not everything could be checked", "bold yellow"),
}


def for_people(console: Console) -> Callable[[Finding], None]:
    """Prints each finding, the first fifty of a kind in full."""
    shown: Counter[tuple[Check, Verdict]] = Counter()

    def show(finding: Finding) -> None:
        kind = (finding.check, finding.verdict)
        shown[kind] += 1
        if shown[kind] <= MOST_SHOWN:
            console.print(line(finding), soft_wrap=True)
        elif shown[kind] == MOST_SHOWN + 1:
            console.print(f"  ... and more of these; --json tells every one ({finding.check})", style="dim")

    return show


def line(finding: Finding) -> Text:
    """`DIFFERS  streams  stream … version 3 position 17: what. What to do.`"""
    where = [
        f"{name} {value}"
        for name, value in (
            ("stream", finding.stream_id),
            ("version", finding.version),
            ("position", finding.position),
        )
        if value is not None
    ]
    said = f"{' '.join(where)}: {finding.what}" if where else finding.what
    head = (f"{_WORDS[finding.verdict]:<11}", _STYLES[finding.verdict])
    return Text.assemble(head, (f"  {finding.check}  ", "dim"), said, (f"  {finding.remedy}", "dim"))


def summary(report: Report) -> Text:
    """The verdict, and what it is of."""
    seen = ", ".join(f"{number} {what}" for what, number in report.looked_at.items())
    undecided = report.count("pending")
    text = Text.assemble(_VERDICTS[report.exit_code], f": {seen}")
    return text.append(f"; {undecided} on their way") if undecided else text


def json_line(finding: Finding) -> str:
    fields = {name: value for name, value in asdict(finding).items() if value is not None}
    if finding.stream_id is not None:
        fields["stream_id"] = str(finding.stream_id)
    return json.dumps({"finding": {_camel(name): value for name, value in fields.items()}})


def json_verdict(report: Report) -> str:
    """The last line: `{"verdict": "equal" | "differs" | "unchecked", ...}`."""
    verdict = {EQUAL: "equal", DIFFERS: "differs", UNCHECKED: "unchecked"}[report.exit_code]
    counts = {which: report.count(which) for which in _WORDS}
    looked_at: dict[str, Any] = dict(report.looked_at)
    return json.dumps({"verdict": verdict, "findings": counts, "lookedAt": looked_at})


@contextmanager
def progress() -> Iterator[Track]:
    """Bars on stderr where that is a terminal; else nothing is shown."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield untracked
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:

        def track(items: Iterable[T], total: int | None, description: str) -> Iterable[T]:
            return bars.track(items, total=total, description=description)

        yield track


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
