"""A market order's path in another revision and in this one, measured by one client in one run, in turns.

`python -m bench.compare REV`. REV is checked out beside this revision and runs on the same packages, so it has to be
one that they fit. Both engines run side by side and are measured in short turns: what else the machine does, and how
fast it is at the moment, falls on both alike. Each idles beside the other, which bears what that costs.

An engine keeps the pace it started with: two starts of one revision differ by a tenth. So both are started anew, on
empty data directories, for each few turns, and each start gives one ratio. A difference smaller than those ratios
spread is none that was seen.
"""

from __future__ import annotations

import asyncio
import os
import platform
import subprocess
import sys
import sysconfig
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

import typer
from rich.console import Console

from bench.closed_loop import closed_loop
from bench.engine import Engine, engine
from bench.followed import Follower
from bench.percentiles import percentile
from bench.schedule import open_loop
from bench.scratch import data_directory
from bench.subject import EXECUTE

console = Console(soft_wrap=True)
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
HERE = Path(__file__).parents[1]
CONNECTIONS, RATE = 32, 20


@dataclass(frozen=True, slots=True)
class Figures:
    """Confirmed orders a second and processor time of an order, ms, as fast as it goes; at few orders a second, the
    milliseconds from a request to `confirmed`.
    """

    rate: float
    spent: float
    p50: float

    def __str__(self) -> str:
        return f"{self.rate:.0f} orders/s, {self.spent:.2f} ms of processor time an order, p50 {self.p50:.0f} ms"

    def to(self, other: Figures) -> Figures:
        """Each figure as a multiple of the ``other``'s."""
        return Figures(self.rate / other.rate, self.spent / other.spent, self.p50 / other.p50)


@app.command()
def main(
    revision: str = typer.Argument(help="What to compare with, as git names it."),
    starts: int = typer.Option(8, min=2, help="How often both are started anew."),
    turns: int = typer.Option(2, min=1, help="How often each is measured a start."),
    orders: int = typer.Option(300, min=1, help="Orders of each throughput turn."),
    seconds: int = typer.Option(5, min=1, help=f"How long each latency turn takes, at {RATE} orders a second."),
) -> None:
    """Measure both in turns; the medians of the starts' ratios, and how far these spread, are the answer."""
    asyncio.run(_compare(revision, starts, turns, orders, seconds))


async def _compare(revision: str, starts: int, turns: int, orders: int, seconds: int) -> None:
    console.print(f"{platform.platform()}, {os.cpu_count()} cores shared by clients, both engines and their chains")
    found = defaultdict[str, list[Figures]](list)
    with _checked_out(revision) as other, data_directory() as directory:
        commands = {name: _installed(source, directory / name) for name, source in (("other", other), ("this", HERE))}
        for start in range(1, starts + 1):
            # Whoever is first meets the machine as the other left it.
            names = list(commands)[:: 1 if start % 2 else -1]
            for name, each in (
                await _started({name: commands[name] for name in names}, turns, orders, seconds)
            ).items():
                found[name].append(_median(each))
                label = revision if name == "other" else name
                console.print(f"load {os.getloadavg()[0]:.1f}  start {start} of {starts}, {label}: {found[name][-1]}")
    console.print(f"median, {revision}: {_median(found['other'])}")
    console.print(f"median, this: {_median(found['this'])}")
    ratios = [this.to(that) for this, that in zip(found["this"], found["other"], strict=True)]
    console.print(
        f"this to {revision}, median of {starts} starts (their middle half): "
        f"{_spread([one.rate for one in ratios])} times the orders/s, "
        f"{_spread([one.spent for one in ratios])} times the processor time, "
        f"{_spread([one.p50 for one in ratios])} times the p50"
    )


async def _started(
    commands: Mapping[str, Path], turns: int, orders: int, seconds: int
) -> Mapping[str, Sequence[Figures]]:
    """The figures of each turn of engines that are started, warmed and stopped here."""
    found = defaultdict[str, list[Figures]](list)
    async with AsyncExitStack() as stack:
        engines = {}
        for name, command in commands.items():
            engines[name] = await stack.enter_async_context(engine(stack.enter_context(data_directory()), command))
            await closed_loop(engines[name], orders, CONNECTIONS, EXECUTE, engines[name].body)
        for turn in range(turns):
            for name in list(engines)[:: -1 if turn % 2 else 1]:
                found[name].append(await _measure(engines[name], orders, seconds))
    return found


async def _measure(measured: Engine, orders: int, seconds: int) -> Figures:
    run = await closed_loop(measured, orders, CONNECTIONS, EXECUTE, measured.body)
    follower = Follower(measured.port, measured.body)
    followed = await open_loop(RATE, RATE * seconds, follower.follow)
    follower.close()
    confirmed = [1_000 * (one.ended - one.intended) for one in followed if one.confirmed]
    if run.confirmed < orders or len(confirmed) < len(followed):
        console.print(
            f"not confirmed: {orders - run.confirmed} of {orders}, {len(followed) - len(confirmed)} later ones"
        )
    return Figures(run.rate, run.milliseconds_an_order(), percentile(confirmed, 50))


def _median(each: Sequence[Figures]) -> Figures:
    return Figures(median(f.rate for f in each), median(f.spent for f in each), median(f.p50 for f in each))


def _spread(ratios: Sequence[float]) -> str:
    low, middle, high = quantiles(ratios, n=4, method="inclusive")
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


@contextmanager
def _checked_out(revision: str) -> Iterator[Path]:
    """The sources of ``revision``, away from this checkout."""
    with data_directory() as directory:
        sources = directory / "sources"
        _git("worktree", "add", "--detach", str(sources), revision)
        try:
            yield sources
        finally:
            _git("worktree", "remove", "--force", str(sources))


def _installed(source: Path, target: Path) -> Path:
    """The command line of ``source`` in an environment of its own at ``target``, on the packages that we have."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(target)], check=True)
    [packages] = target.glob("lib/*/site-packages")
    (packages / "compared.pth").write_text(f"{source}\n{sysconfig.get_path('purelib')}\n")
    scripts = tomllib.loads((source / "pyproject.toml").read_text())["project"]["scripts"]
    module, function = scripts["surefill"].split(":")
    command = target / "bin" / "surefill"
    command.write_text(f"#!{target}/bin/python\nfrom {module} import {function}\n\n{function}()\n")
    command.chmod(0o755)
    return command


def _git(*arguments: str) -> None:
    done = subprocess.run(["git", "-C", str(HERE), *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr.strip())


if __name__ == "__main__":
    app()
