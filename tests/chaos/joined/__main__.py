"""`python -m tests.chaos.joined`: a whole engine, a node that drops, lags or delays, and what the log and chain show.

Exit codes: 0 every bound was kept, 1 one was not.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tests.chaos.joined.measured import measure

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    lagging: Annotated[int, typer.Option(help="Orders whose statuses lag.")] = 50,
    dropped: Annotated[int, typer.Option(help="Orders whose first transaction is dropped.")] = 100,
    cancels: Annotated[int, typer.Option(help="Orders that are cancelled while they are live.")] = 500,
    rate: Annotated[float, typer.Option(help="Orders a second.")] = 8,
    seed: Annotated[int, typer.Option(help="Repeats every order and moment.")] = 1,
) -> None:
    """Measure replacement and cancels."""
    directory = Path(tempfile.mkdtemp(prefix="surefill-joined-"))
    directory.chmod(0o755)
    broken = asyncio.run(measure(directory, lagging=lagging, dropped=dropped, cancels=cancels, rate=rate, seed=seed))
    for one in broken:
        print(f"BROKEN: {one}")
    if broken:
        print(f"everything is kept in {directory}")
    else:
        shutil.rmtree(directory, ignore_errors=True)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    app()
