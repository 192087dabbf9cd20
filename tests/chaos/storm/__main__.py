"""`make chaos SEED=7 ORDERS=2000 MINUTES=10 PROCESSES=core`: the storm and its verdict.

Exit codes: 0 every promise kept, 1 something broke, 2 the storm itself failed.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from tests.chaos.plants.faulty import PLANTS
from tests.chaos.storm.options import OPTIONS
from tests.chaos.storm.run import Asked, storm

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    seed: Annotated[int, typer.Option(help="Repeats what strikes when, and every order.")] = 1,
    orders: Annotated[int, typer.Option(min=1, help="How many are submitted.")] = 2_000,
    minutes: Annotated[float, typer.Option(min=0.5, help="How long everything fails.")] = 10,
    processes: Annotated[
        Literal["core", "roles"], typer.Option(help="How the engine is divided: one process, or one a role.")
    ] = "roles",
    plant: Annotated[str, typer.Option(help=f"A fault of the engine's own: {', '.join(PLANTS)}.")] = "",
    including: Annotated[
        str, typer.Option("--with", help=f"What stands for the whole storm, comma separated: {', '.join(OPTIONS)}.")
    ] = "",
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep the data and logs of a run that kept every promise.")
    ] = False,
) -> None:
    """Run orders through a storm of faults, then judge from outside what became of them."""
    if plant and plant not in PLANTS:
        raise typer.BadParameter(f"there are {', '.join(PLANTS)}", param_hint="--plant")
    options = [option for option in OPTIONS if option in including.split(",")]
    if {*including.split(",")} - {*options, ""}:
        raise typer.BadParameter(f"there are {', '.join(OPTIONS)}", param_hint="--with")
    directory = Path(tempfile.mkdtemp(prefix="surefill-chaos-"))
    directory.chmod(0o755)
    try:
        asked = Asked(seed, orders, minutes, processes, tuple(options), plant or None)
        sound = asyncio.run(storm(Console(), directory, asked))
    except Exception:  # noqa: BLE001 - shown, with an exit code of its own
        Console(stderr=True).print_exception()
        print(f"the storm itself failed, there is no verdict; everything is kept in {directory}")
        sys.exit(2)
    if sound and not keep:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        print(f"everything is kept in {directory}")
    sys.exit(0 if sound else 1)


if __name__ == "__main__":
    app()
