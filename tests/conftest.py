"""Where a run of the tests keeps what it writes: in memory where there is enough, where a database a test costs little.
And how its processes log: as the engine's do, with plain tracebacks.

A killed process loses nothing of it, as it loses nothing of a disk's. The storms of tests/chaos write to the disk.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest
import structlog

MEMORY = Path("/dev/shm")  # noqa: S108 - the file system in memory that every Linux has, not a file of ours
ENOUGH_BYTES = 4 << 30
UNIT = Path(__file__).with_name("unit")
_OWN = "surefill-tests-"


def pytest_configure(config: pytest.Config) -> None:
    """Before any test process is started, so that all of them and their children inherit it."""
    _log_plainly()
    if hasattr(config, "workerinput") or "TMPDIR" in os.environ or not _has_room(MEMORY):
        return
    _remove_what_killed_runs_left()
    directory = MEMORY / f"{_OWN}{os.getpid()}"
    directory.mkdir(mode=0o755)
    config.add_cleanup(lambda: shutil.rmtree(directory, ignore_errors=True))
    os.environ["TMPDIR"] = str(directory)
    tempfile.tempdir = None


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported and collected stays to the end: no collection of garbage need look through it."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every folder's files are spread over the run: what keeps the cores busy, as the engines of tests/e2e do, runs
    beside what waits for time to pass. Unit tests, all short, come last, so that no process is left alone for long.
    """
    folders: dict[Path, dict[Path, None]] = {}
    for item in items:
        folders.setdefault(item.path.parent, {})[item.path] = None
    place = {file: (UNIT in file.parents, n / len(files)) for files in folders.values() for n, file in enumerate(files)}
    items.sort(key=lambda item: place[item.path])


def _log_plainly() -> None:
    """structlog's own traceback, with colours and local variables, holds a test's event loop up for half a second."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], renderer])


def _has_room(directory: Path) -> bool:
    """Whether files can be written and programs run there, and gigabytes are free."""
    if not os.access(directory, os.W_OK):
        return False
    found = os.statvfs(directory)
    return not found.f_flag & os.ST_NOEXEC and found.f_bavail * found.f_frsize >= ENOUGH_BYTES


def _remove_what_killed_runs_left() -> None:
    for directory in MEMORY.glob(f"{_OWN}*"):
        if not Path(f"/proc/{directory.name.removeprefix(_OWN)}").exists():
            shutil.rmtree(directory, ignore_errors=True)
