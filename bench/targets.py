"""What each figure is to be, and whether it is: one table, beside the report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rich.table import Table

from bench.percentiles import shown
from bench.report import Report


@dataclass(frozen=True, slots=True)
class Target:
    """The median of ``figure`` of ``lane`` is to be ``bound`` ``value``."""

    lane: str
    figure: str
    bound: Literal["at least", "at most"]
    value: float

    def is_met(self, median: float) -> bool:
        return median >= self.value if self.bound == "at least" else median <= self.value


TARGETS = (
    Target("localnet", "surefill to peer", "at least", 1.0),
    Target("batch", "surefill to peer", "at least", 1.3),
    Target("instant", "surefill to peer", "at least", 1.3),
    Target("instant", "surefill to peer, 100 a request, two core processes", "at least", 2.0),
    Target("localnet", "surefill, processor time", "at most", 1.3),
    Target("latency", "surefill at 20/s, first send, p50", "at most", 6),
    Target("latency", "surefill at 20/s, first send, p99", "at most", 25),
    Target("latency", "surefill at 100/s, first send, p50", "at most", 9),
    Target("latency", "surefill at 100/s, first send, p99", "at most", 50),
    Target("latency", "surefill at 20/s, request to first send, p50", "at most", 9),
    Target("latency", "surefill at 200/s, ack, p99", "at most", 50),
    Target("latency", "surefill at 200/s, all its processes", "at most", 90),
    Target("latency", "surefill at 200/s, orders with every message", "at least", 100),
    Target("latency", "surefill alone, processor time", "at most", 6),
    Target("remote", "first send, p99", "at most", 1_200),
    Target("idle", "processor time", "at most", 2.5),
    Target("idle", "memory", "at most", 320),
    Target("fan_out", "commit to client, p99", "at most", 100),
    Target("log", "rebuild, beside an idle engine", "at least", 20_000),
    Target("log", "1 a request, 64 writers, to the library", "at least", 40),
    Target("log", "100 a request, 1 writer, to a bare insert", "at least", 0.4),
    Target("growth", "processor time, 5,000,000 events against 0", "at most", 10),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    target: Target
    median: float
    unit: str

    @property
    def is_met(self) -> bool:
        return self.target.is_met(self.median)


def verdicts(report: Report) -> Iterator[Verdict]:
    """Of every target whose figure the report has."""
    found = {(lane.lane, figure.name): figure for lane in report.lanes for figure in lane.figures}
    for target in TARGETS:
        if figure := found.get((target.lane, target.figure)):
            yield Verdict(target, figure.median, figure.unit)


def verdict_table(report: Report) -> Table:
    table = Table("target", box=None, pad_edge=False, padding=(0, 2, 0, 2))
    for name in ("", "figure", "met"):
        table.add_column(name, justify="right" if name == "figure" else "left")
    for one in verdicts(report):
        target = one.target
        wanted = f"{target.bound} {shown(target.value)} {one.unit}"
        met = "[green]yes[/]" if one.is_met else "[red]no[/]"
        table.add_row(f"{target.lane}: {target.figure}", wanted, shown(one.median), met)
    return table
