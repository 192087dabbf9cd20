"""A market order's path in another revision and in this one, measured by one client in one run, in turns.

`python -m bench.compare REV`. REV is checked out beside this revision and runs on the same packages, so it has to be
one that they fit. Both engines run all the while and are measured in short turns: what else the machine does, and how
fast it is at the moment, falls on both alike. Each idles beside the other, which bears what that costs.
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
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

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
    """Confirmed orders a second, and milliseconds from a request to `confirmed` at few orders a second."""

    rate: float
    p50: float


@app.command()
def main(
    revision: str = typer.Argument(help="What to compare with, as git names it."),
    turns: int = typer.Option(10, help="How often each is measured."),
    orders: int = typer.Option(200, help="Orders of each throughput turn."),
    seconds: int = typer.Option(5, help="How long each latency turn takes."),
) -> None:
    """Measure both in turns; the medians are the answer."""
    asyncio.run(_compare(revision, turns, orders, seconds))


async def _compare(revision: str, turns: int, orders: int, seconds: int) -> None:
    console.print(f"{platform.platform()}, {os.cpu_count()} cores shared by clients, both engines and their chains")
    found = defaultdict[str, list[Figures]](list)
    async with AsyncExitStack() as stack:
        other = stack.enter_context(_checked_out(revision))
        engines = {}
        for name, source in ((revision, other), ("this", HERE)):
            directory = stack.enter_context(data_directory())
            command = _installed(source, directory / "environment")
            engines[name] = await stack.enter_async_context(engine(directory, command))
            await closed_loop(engines[name], orders, CONNECTIONS, EXECUTE, engines[name].body)
        for turn in range(1, turns + 1):
            # Whoever is first meets the machine as the other left it.
            for name in list(engines)[:: 1 if turn % 2 else -1]:
                figures = await _measure(engines[name], orders, seconds)
                found[name].append(figures)
                console.print(f"load {os.getloadavg()[0]:.1f}  turn {turn}, {name}: {_shown(figures)}")
    for name, each in found.items():
        console.print(f"median, {name}: {_shown(Figures(median(f.rate for f in each), median(f.p50 for f in each)))}")


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
    return Figures(run.rate, percentile(confirmed, 50))


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


def _shown(figures: Figures) -> str:
    return f"{figures.rate:.0f} orders/s, p50 {figures.p50:.0f} ms at {RATE} orders/s"


if __name__ == "__main__":
    app()
