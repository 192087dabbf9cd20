"""A report: what each lane found, under which conditions, and what was full meanwhile."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of each run, in their order; the median is the answer. ``chart``: in which one of the picture it is."""

    name: str
    unit: str
    runs: tuple[float, ...]
    chart: str = ""

    def __post_init__(self) -> None:
        if not self.runs:
            raise ValueError(f"{self.name}: a figure of no run")

    @property
    def median(self) -> float:
        return median(self.runs)


@dataclass(slots=True)
class LaneResult:
    """``full``: the resource that was full, a sentence for each run or part. ``skipped``: why there are no figures."""

    lane: str
    title: str
    conditions: dict[str, str] = field(default_factory=dict)
    figures: list[Figure] = field(default_factory=list)
    full: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    skipped: str = ""

    def add(self, name: str, unit: str, runs: Sequence[float], chart: str = "") -> Figure:
        figure = Figure(name, unit, tuple(runs), chart)
        self.figures.append(figure)
        return figure


@dataclass(slots=True)
class Report:
    """``conditions`` are the machine's, said once; each lane adds its own."""

    conditions: dict[str, str]
    lanes: list[LaneResult] = field(default_factory=list)

    def as_json(self) -> str:
        lanes = []
        for lane in self.lanes:
            shown = {name: value for name, value in asdict(lane).items() if value}
            if lane.figures:
                shown["figures"] = [_figure_json(one) for one in lane.figures]
            lanes.append(shown)
        return json.dumps({"conditions": self.conditions, "lanes": lanes}, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, file: Path) -> Self:
        document = json.loads(file.read_text())
        return cls(document["conditions"], [_lane_of(one) for one in document["lanes"]])


def _figure_json(figure: Figure) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": figure.name,
        "unit": figure.unit,
        "median": round(figure.median, 4),
        "runs": [round(one, 4) for one in figure.runs],
    }
    return shown | ({"chart": figure.chart} if figure.chart else {})


def _lane_of(document: Mapping[str, Any]) -> LaneResult:
    figures = [
        Figure(one["name"], one["unit"], tuple(one["runs"]), one.get("chart", ""))
        for one in document.get("figures", ())
    ]
    return LaneResult(**{**document, "figures": figures})
