"""`make bench`: every lane, one report: a table, `bench/results/latest.json`, and with --docs a copy and a picture.

`python -m bench --lanes localnet,latency --runs 3` runs some of them. Figures are of a quiet machine or of none: what
else it did before the run is in the report.
"""

from __future__ import annotations

import gc
import resource
import sys
import traceback
from dataclasses import replace
from pathlib import Path

import typer
import uvloop
from rich.console import Console

from bench.conditions import HERE, machine
from bench.lanes import LANES, UnknownLane, chosen, lane
from bench.picture import picture
from bench.report import LaneResult, Report
from bench.rig import Rig, Sizes
from bench.table import show

RESULTS = HERE / "bench" / "results" / "latest.json"
DOCS_JSON, DOCS_PICTURE = HERE / "docs" / "bench.json", HERE / "docs" / "bench.svg"
DEFAULT = Sizes()

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    lanes: str = typer.Option("", help=f"Some of {', '.join(LANES)}; all where not given."),
    runs: int = typer.Option(DEFAULT.runs, help="Runs of each throughput and latency lane; medians are the answer."),
    orders: int = typer.Option(DEFAULT.orders, help="Orders of a throughput run."),
    seconds: int = typer.Option(DEFAULT.seconds, help="How long each rate of the latency lane takes."),
    warm: int = typer.Option(DEFAULT.warm, help="Orders that warm the peer."),
    in_flight: int = typer.Option(DEFAULT.in_flight, help="Orders of the in-flight lane."),
    sockets: int = typer.Option(DEFAULT.sockets, help="WebSockets of the fan-out lane."),
    resting: int = typer.Option(DEFAULT.resting, help="Orders that rest in the resting lane."),
    events: str = typer.Option(",".join(map(str, DEFAULT.growth)), help="Sizes of the log in the growth lane."),
    rebuild_events: int = typer.Option(DEFAULT.rebuild_events, help="Events that the log lane rebuilds from."),
    idle: int = typer.Option(DEFAULT.idle_seconds, help="Seconds that the idle lane measures."),
    peer: bool = typer.Option(True, help="Take turns with the Node build, where node is there."),
    docs: bool = typer.Option(False, help="Write docs/bench.json and docs/bench.svg, too."),
) -> None:
    """Measure, and report."""
    console = Console()
    try:
        names, sizes = (
            chosen(lanes),
            replace(
                DEFAULT, runs=runs, orders=orders, seconds=seconds, warm=warm, in_flight=in_flight,
                sockets=sockets, resting=resting, growth=tuple(int(one) for one in events.split(",")),
                rebuild_events=rebuild_events, idle_seconds=idle,
            ),
        )  # fmt: skip
    except UnknownLane as unknown:
        sys.exit(f"bench: {unknown}")
    if sys.platform != "linux":
        sys.exit("bench: it reads the kernel's counters in /proc, which only Linux has")
    _allow_many_sockets()
    sys.exit(uvloop.run(_measure(names, Rig(sizes, console, with_peer=peer), docs)))


async def _measure(names: list[str], rig: Rig, docs: bool) -> int:
    report, failed = Report(machine()), 0
    # What was imported stays: a collection in the client would be taken for the engine's slowness.
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    try:
        for name in names:
            try:
                result = await lane(name)(rig)
            except Exception as error:  # noqa: BLE001  # the other lanes' figures are not lost for one that broke
                traceback.print_exc()
                result = LaneResult(name, "broke", skipped=f"it ended with {type(error).__name__}: {error}")
                failed += 1
            report.lanes.append(result)
            _write(RESULTS, report.as_json())
    finally:
        await rig.clear()
        show(report, rig.console)
    if docs:
        _write(DOCS_JSON, report.as_json())
        _write(DOCS_PICTURE, picture(report))
    return 1 if failed else 0


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


def _allow_many_sockets() -> None:
    """As many open files as the system lets us have; the engines we start inherit it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    app()
