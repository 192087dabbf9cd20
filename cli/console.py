"""Consoles: for tables, and for commands whose exit code says what was found."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from rich.console import Console

ENDLESS = 100_000
"""Columns: more than any row has."""


def table_console() -> Console:
    """Cuts a table's cells where a terminal ends, or where COLUMNS says; what a pipe or a file gets is whole."""
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal():
        return Console()
    return Console(width=ENDLESS)


class PlainConsole(Console):
    """rich ends the program with 1 where nobody reads what it prints, which here would be a finding."""

    def on_broken_pipe(self) -> NoReturn:
        """Raises ``BrokenPipeError``, as `print` does."""
        raise BrokenPipeError
