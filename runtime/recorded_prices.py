"""The files of recorded ticks that PRICE_SOURCE names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from domain.tokens import KNOWN_TOKENS
from runtime.errors import SettingsError
from venues.feeds.recorded import RecordedFeed

PREFIX = "file:"


def recorded_prices(word: str) -> RecordedFeed:
    """Those of ``file:PATH``. Raises ``SettingsError`` where the file can't be read."""
    file = Path(word.removeprefix(PREFIX))
    try:
        return RecordedFeed(file.expanduser(), KNOWN_TOKENS)
    except OSError as error:
        why = f"{file}: {error.strerror}"
    except UnicodeDecodeError:  # its text is of bytes, and names no file
        why = f"{file}: it isn't UTF-8"
    except RuntimeError:  # of a ~ that leads to nobody
        why = f"{file}: there is no such home directory"
    except ValueError as error:  # it names file and line
        why = str(error)
    raise SettingsError(f"PRICE_SOURCE names a file that can't be read, {why}; correct it, or name another source")


def require_recorded_prices(words: Sequence[str]) -> None:
    """Raise ``SettingsError`` where one of them can't be read, as the watcher would, again and again."""
    for word in words:
        if word.startswith(PREFIX):
            recorded_prices(word)
