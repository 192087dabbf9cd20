"""The report on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bench.percentiles import shown
from bench.report import LaneResult, Report
from bench.targets import verdict_table


def show(report: Report, console: Console) -> None:
    for name, value in report.conditions.items():
        console.print(Text(f"{name}: {value}", style="dim"))
    for lane in report.lanes:
        console.print(lane_table(lane))
    console.print(Text("\ntargets", style="bold"), verdict_table(report))


def lane_table(lane: LaneResult) -> RenderableType:
    """A lane's figures with their spread over the runs; below them conditions, what was full, notes."""
    title = Text(f"\n{lane.lane}: {lane.title}", style="bold")
    if lane.skipped:
        return Group(title, Text(f"  skipped: {lane.skipped}"))
    table = Table("figure", box=None, pad_edge=False, padding=(0, 2, 0, 2))
    table.add_column("median", justify="right")
    table.add_column("unit")
    table.add_column("runs", style="dim")
    for one in lane.figures:
        runs = " ".join(map(shown, one.runs)) if len(one.runs) > 1 else ""
        table.add_row(one.name, shown(one.median), one.unit, runs)
    return Group(title, table, *(Text(f"  {line}", style="dim") for line in _below(lane)))


def _below(lane: LaneResult) -> Iterator[str]:
    if lane.conditions:
        yield ", ".join(f"{name}: {value}" for name, value in lane.conditions.items())
    yield from lane.full
    yield from lane.notes
