"""The report as an SVG: bars for each figure that names a chart, on a scale of its own for each chart."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from bench.percentiles import shown
from bench.report import Figure, Report

WIDTH, ROW, GAP, LABEL, VALUE = 900, 22, 34, 330, 120
_COLOURS = {"peer": "#9aa5b1"}
_OURS = "#2563a8"
_STYLE = "text{font:13px system-ui,sans-serif;fill:#1f2933}.t{font-weight:600}.s{fill:#616e7c;font-size:11px}"
_SAID = ("processor", "cores", "python", "node", "load before", "at", "revision")


def picture(report: Report) -> str:
    """A whole SVG document."""
    charts = dict(_charts(report))
    height = GAP * (len(charts) + 2) + ROW * sum(map(len, charts.values()))
    svg = Element(
        "svg", xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {WIDTH} {height}", width=str(WIDTH),
        height=str(height), role="img",
    )  # fmt: skip
    SubElement(svg, "title").text = "What an order costs and how long it takes"
    SubElement(svg, "style").text = _STYLE
    SubElement(svg, "rect", width="100%", height="100%", fill="#ffffff")
    y = 0
    for title, bars in charts.items():
        y += GAP
        _text(svg, 12, y - 8, title, "t")
        largest = max(figure.median for _, figure in bars) or 1.0
        for label, figure in bars:
            _bar(svg, y, label, figure, largest)
            y += ROW
    said = ", ".join(f"{name} {report.conditions[name]}" for name in _SAID if name in report.conditions)
    _text(svg, 12, y + GAP, f"Medians. {said}", "s")
    indent(svg)
    return tostring(svg, encoding="unicode") + "\n"


def _charts(report: Report) -> Iterator[tuple[str, list[tuple[str, Figure]]]]:
    """Each chart's bars with their labels, in the order in which the report names them."""
    found: dict[str, list[tuple[str, Figure]]] = {}
    for lane in report.lanes:
        for figure in lane.figures:
            if figure.chart:
                found.setdefault(f"{figure.chart}, {figure.unit}", []).append((f"{lane.lane}: {figure.name}", figure))
    yield from found.items()


def _bar(svg: Element, y: int, label: str, figure: Figure, largest: float) -> None:
    length = (WIDTH - LABEL - VALUE) * figure.median / largest
    colour = next((one for word, one in _COLOURS.items() if word in label), _OURS)
    _text(svg, 12, y + 15, label)
    SubElement(svg, "rect", x=str(LABEL), y=str(y + 3), width=f"{max(length, 1):.1f}", height=str(ROW - 6), fill=colour)
    _text(svg, LABEL + length + 8, y + 15, shown(figure.median))


def _text(svg: Element, x: float, y: float, text: str, kind: str = "") -> None:
    attributes = {"x": f"{x:.1f}", "y": str(y)} | ({"class": kind} if kind else {})
    SubElement(svg, "text", attributes).text = text
