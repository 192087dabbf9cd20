"""A program the supervisor runs, how it is started and how it is stopped."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")
LARGEST_LOG = 16 * 1024 * 1024  # bytes
# What any program may need to find others and its libraries (the launcher is one), and to tell the time.
HARMLESS = ("PATH", "LD_LIBRARY_PATH", "TZ")


@dataclass(frozen=True, slots=True)
class Account:
    """A uid and gid to run under."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Program:
    """`environment` is all it gets: the supervisor's own may hold keys, which a server's process has no use for.
    Addresses go there and never into `command`, which `ps` shows to all.

    `stops` are tried in turn, each a signal and the seconds it is given; after the last comes SIGKILL. `ended` is
    called with the process id once the program has ended, before it is started again.
    """

    name: str
    command: tuple[str, ...]
    directory: Path
    environment: Mapping[str, str] = field(repr=False)
    account: Account | None = None
    log: Path | None = None  # the supervisor's own stderr where None
    stops: tuple[tuple[signal.Signals, float], ...] = ((signal.SIGTERM, 1.3),)
    death_signal: signal.Signals = signal.SIGKILL
    ended: Callable[[int], Awaitable[None]] | None = field(default=None, repr=False)


def bare_environment(**more: str) -> dict[str, str]:
    """`more`, and of our own environment only what can't be a secret; for programs that take no settings from it."""
    return {name: os.environ[name] for name in HARMLESS if name in os.environ} | more


async def start(program: Program, *, keep_open: Sequence[int] = ()) -> asyncio.subprocess.Process:
    """Start it in a session of its own; it dies with the calling thread's process. `keep_open`: descriptors it
    inherits.
    """
    account = program.account or Account(-1, -1)
    numbers = (os.getpid(), program.death_signal.value, account.uid, account.gid)
    with _output(program.log) as output:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", str(LAUNCHER), *map(str, numbers), str(program.directory), *program.command,
            stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
            env=program.environment, start_new_session=True, pass_fds=tuple(keep_open),
        )  # fmt: skip


async def stop(process: asyncio.subprocess.Process, stops: Sequence[tuple[signal.Signals, float]]) -> int:
    """End it, patiently at first; returns its exit code."""
    for number, patience in stops:
        _send(process, number)
        try:
            async with asyncio.timeout(patience):
                return await process.wait()
        except TimeoutError:
            continue
    _send(process, signal.SIGKILL)
    return await process.wait()


def _send(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):  # it ended, and the loop hasn't heard yet
            process.send_signal(number)


@contextmanager
def _output(log: Path | None) -> Iterator[int]:
    """Where a child writes, as a descriptor. Logs are the supervisor's own files: a child under another uid only
    appends.
    """
    if log is None:
        yield sys.__stderr__.fileno() if sys.__stderr__ else asyncio.subprocess.DEVNULL
        return
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_suffix(".log.1"))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
