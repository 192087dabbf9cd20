"""A console for commands whose exit code says what was found."""

from __future__ import annotations

from typing import NoReturn

from rich.console import Console


class PlainConsole(Console):
    """rich ends the program with 1 where nobody reads what it prints, which here would be a finding."""

    def on_broken_pipe(self) -> NoReturn:
        """Raises ``BrokenPipeError``, as `print` does."""
        raise BrokenPipeError
