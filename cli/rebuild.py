"""`surefill rebuild`: composes a rebuild from the settings, shows it, and ends with an exit code that tells of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli.console import PlainConsole
from domain.events import ORDER_EVENTS
from event_store.errors import LeaseLostError, LeaseTakenError, PositionGapError, PositionLostError
from event_store.mapper import EventMapper
from event_store.pool import connection_pool
from event_store.read.log import Log
from projections.errors import TableInUseError, VersionGapError
from projections.orders import NAME
from projections.orders.comparison import KEPT, REBUILDER, Comparison
from projections.rebuild import NAMES, OrdersRebuild, Watch
from runtime import addresses, preflight, settings, telemetry
from runtime.composition import own_lease
from runtime.errors import StartupError
from runtime.lost_output import may_go_unread
from runtime.program import OK, guarded, run_until_signalled
from runtime.settings import Settings
from verification import show

DIFFERED = 3
# Nobody stands by for it, and its loss is the loss of all that was done: it survives a disk or machine that is busy.
LEASE_S = 30.0
UNTOUCHED = f"{NAME} is whole; rebuild it again"


def rebuild(
    name: Annotated[str, typer.Argument(help="The read model: orders.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a finding, what was done last.")] = False,
) -> None:
    """Fill a read model anew from the log beside the live one, compare the two, and put it in its place.

    Nothing stops for it. Exit codes: 0 replaced, and the two were equal; 1 not replaced (one sentence on stderr says
    why); 2 a wrong argument or setting; 3 replaced, and the old one differed: it is kept as orders_v1_replaced.
    """
    if name not in NAMES:
        raise typer.BadParameter(f"there is no read model {name!r}; there is {', '.join(NAMES)}", param_hint="NAME")
    raise typer.Exit(_rebuild_and_show(as_json=as_json))


def _rebuild_and_show(*, as_json: bool) -> int:
    """The exit code; what differed goes to stdout, what was done last."""
    rebuilt: list[Comparison] = []
    begun = time.monotonic()

    def run() -> None:
        found = addresses.completed(settings.load(), "database_url")
        # What it does is shown, and why it ended is a sentence: a log line is for an order that does not fold.
        telemetry.configure(found.model_copy(update={"log_level": "error"}), "rebuild")
        with _sentences(), _progress() as watch:
            run_until_signalled(_rebuild(found, watch, rebuilt))
        if not rebuilt:
            raise StartupError(f"the rebuild was ended; {UNTOUCHED}")

    code = guarded("rebuild", run)
    for compared in rebuilt:
        code = DIFFERED if compared.differing else OK
        with may_go_unread():
            (_say_json if as_json else _say)(compared, time.monotonic() - begun)
    return code


async def _rebuild(found: Settings, watch: Watch, rebuilt: list[Comparison]) -> None:
    await preflight.postgres(found.database_url)
    async with connection_pool(found.database_url, application_name="surefill rebuild") as pool:
        rebuilding = OrdersRebuild(pool, Log(pool), EventMapper(ORDER_EVENTS), watch)
        async with own_lease(pool, REBUILDER, LEASE_S).hold(patience=0) as lease:
            rebuilt.append(await rebuilding.run(lease))


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except LeaseTakenError as taken:
        raise StartupError(f"another rebuild is at work, or was killed within {LEASE_S:.0f} s: {taken}") from None
    except TableInUseError as reader:
        raise StartupError(f"{reader} does not stop reading {NAME}, which was not replaced: rebuild it after") from None
    except (LeaseLostError, PositionLostError) as lost:
        raise StartupError(f"{lost}; {UNTOUCHED}") from None
    except (PositionGapError, VersionGapError) as fault:
        raise StartupError(f"the log does not hold: {fault}; see surefill verify") from None
    except psycopg.errors.ObjectNotInPrerequisiteState as refused:  # the swap's own sentences
        raise StartupError(f"{refused.diag.message_primary}; {UNTOUCHED}") from None
    except psycopg.Error as error:
        raise StartupError(f"PostgreSQL failed or refused ({type(error).__name__}); {UNTOUCHED}") from None


class _Shown:
    """Bars on stderr where that is a terminal; whom the swap waits for is said in any case, once."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task = bars.add_task("events", total=None, rate="")
        self._begun = time.monotonic()
        self._reader = ""

    def folded(self, position: int, target: int) -> None:
        rate = f"{position / (time.monotonic() - self._begun):.0f} events/s"
        self._bars.update(self._task, description="events", completed=position, total=target, rate=rate)

    def compares(self) -> None:
        self._bars.update(self._task, description="comparing")

    def waits(self, reader: str) -> None:
        self._bars.update(self._task, description="waiting")
        if reader != self._reader:
            self._bars.console.print(f"the swap waits for {reader}, which reads {NAME}", soft_wrap=True)
        self._reader = reader


@contextmanager
def _progress() -> Iterator[Watch]:
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        yield _Shown(bars)


def _say(compared: Comparison, seconds: float) -> None:
    console = PlainConsole()
    for finding in compared.findings:
        console.print(show.line(finding), soft_wrap=True)
    if compared.differing > len(compared.findings):
        console.print(f"  ... and {compared.differing - len(compared.findings)} more")
    verdict = (
        f"the old one differed in {compared.differing} orders and is kept as {KEPT}; the rebuilt one is {NAME} now"
        if compared.differing
        else f"agreed; the rebuilt one is {NAME} now"
    )
    console.print(
        f"{compared.position} events, {compared.orders} orders in {seconds:.1f} s: "
        f"{compared.position / seconds:.0f} events/s\nchecksum {compared.checksum}: {verdict}",
        soft_wrap=True, highlight=False,
    )  # fmt: skip


def _say_json(compared: Comparison, seconds: float) -> None:
    """Findings as `verify` prints them; the last line is what was done."""
    for finding in compared.findings:
        print(show.json_line(finding))
    done = {
        "position": str(compared.position), "orders": compared.orders, "seconds": round(seconds, 3),
        "checksum": compared.checksum, "differing": compared.differing,
        "kept": KEPT if compared.differing else None,
    }  # fmt: skip
    print(json.dumps({"rebuilt": done}))
