from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from rich.console import Console

from bench.lanes import LANES, UnknownLane, chosen
from bench.picture import picture
from bench.report import Figure, LaneResult, Report
from bench.table import show
from bench.targets import verdicts

SVG = "{http://www.w3.org/2000/svg}"


def report() -> Report:
    first = LaneResult("localnet", "real transactions", {"fsync": "on"}, full=["one core is full in api"])
    first.add("surefill", "orders/s", [900.0, 1_300.0, 1_200.0], "Orders")
    first.add("peer", "orders/s", [600.0], "Orders")
    first.add("client", "ms an order", [0.06])
    return Report({"cores": "2"}, [first, LaneResult("in_flight", "a slow venue", skipped="not available")])


def test_the_median_of_the_runs_is_the_answer():
    assert Figure("x", "s", (3.0, 1.0, 2.0)).median == 2.0
    with pytest.raises(ValueError, match="no run"):
        Figure("x", "s", ())


def test_a_report_reads_back_as_it_was_written(tmp_path: Path):
    file = tmp_path / "latest.json"
    file.write_text(report().as_json())
    assert Report.read(file) == report()


def test_a_target_is_met_or_not_by_the_median():
    lane = LaneResult("localnet", "")
    lane.add("surefill to peer", "times", [0.9, 1.1, 1.2])
    lane.add("surefill, processor time", "ms an order", [2.0])
    assert [one.is_met for one in verdicts(Report({}, [lane]))] == [True, False]
    console = Console(record=True, width=160)
    show(Report({}, [lane]), console)
    assert "at least 1.00 times" in console.export_text()


def test_the_table_says_figures_conditions_what_was_full_and_why_a_lane_was_skipped():
    console = Console(record=True, width=160)
    show(report(), console)
    text = console.export_text()
    for said in (
        "cores: 2",
        "1,200",
        "900 1,300 1,200",
        "fsync: on",
        "one core is full in api",
        "skipped: not available",
    ):
        assert said in text


def test_the_picture_has_a_bar_for_each_charted_figure_in_proportion():
    svg = fromstring(picture(report()))  # noqa: S314  # our own
    bars = [bar for bar in svg.iter(f"{SVG}rect") if bar.get("x")]
    ours, peer = (float(bar.get("width", "")) for bar in bars)
    assert peer == pytest.approx(ours / 2)
    texts = {text.text for text in svg.iter(f"{SVG}text")}
    assert {"Orders, orders/s", "1,200", "600", "localnet: peer"} <= texts


def test_lanes_are_chosen_by_name_in_the_order_they_run_in():
    assert chosen("") == list(LANES)
    assert chosen("idle, in-flight,localnet") == ["localnet", "in_flight", "idle"]
    with pytest.raises(UnknownLane, match="lunar"):
        chosen("lunar")
