"""`surefill checkpoint`: what the log is now, written to a file or to stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from event_store.read.snapshot import snapshot
from runtime import addresses, program, settings
from runtime.errors import SettingsError, StartupError
from verification import checkpoint as checkpoints
from verification import show
from verification.errors import CheckpointError, InvalidCheckpointError


def checkpoint(
    file: Annotated[str, typer.Argument(help="Where to write it; - is stdout.")] = "-",
) -> None:
    """Write what the log is now, for `verify --checkpoint`; keep it where nobody who can change the log can."""
    where = None if file == "-" else Path(file)
    raise typer.Exit(program.guarded("checkpoint", lambda: _take(where)))


def _take(file: Path | None) -> None:
    """Write the log's checkpoint to ``file``, or to stdout; raises StartupError."""
    with _sentences():
        before = checkpoints.earlier(file) if file else None
        found = addresses.completed(settings.load(), "database_url")
        with show.progress() as track, snapshot(found.database_url) as looked_at:
            taken = checkpoints.take(looked_at, datetime.now(UTC), before, track)
        if file is None:
            sys.stdout.write(taken.text())
            return
        checkpoints.write(taken, file)
        print(f"position {taken.position} of {taken.streams} streams: {file}")


@contextmanager
def _sentences() -> Iterator[None]:
    try:
        yield
    except InvalidCheckpointError as error:
        raise SettingsError(str(error)) from None
    except CheckpointError as error:
        raise StartupError(str(error)) from None
    except psycopg.Error as error:
        raise StartupError(f"the log cannot be read: {type(error).__name__}") from None
