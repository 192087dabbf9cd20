"""DATA_DIR: used by one engine at a time, of a version that can read it."""

import asyncio
import fcntl
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import structlog

from chains.durable_file import write_durably
from runtime.embedded.postgres import MAJOR as POSTGRES
from runtime.embedded.stale import end_stale_server
from runtime.errors import StartupError

LAYOUT = (1, 0)  # major: another one cannot be read; minor: newer ones cannot, older ones can
CUT_SHORT = re.compile(rf"|{LAYOUT[0]}\.?")  # of a version that could be ours: what the directory holds decides then
LINGERING = 10.0  # seconds that processes which a killed engine left behind are given to end

log = structlog.get_logger()


@asynccontextmanager
async def occupied(data_dir: Path) -> AsyncIterator[int]:
    """Hold DATA_DIR; gives a file descriptor that every child has to inherit.

    Raises `StartupError` where another engine holds it, or its version can't be read by this one.

    There are two locks. `lock` belongs to this process alone and ends with it. `children` is held as long as any
    process that has inherited it: an engine that is killed may leave a PostgreSQL behind that takes a moment to end,
    and no other may be started beside it.
    """
    with written_in(data_dir):
        lock, children = _open(data_dir)
    try:
        if not _taken(lock):
            raise StartupError(f"another surefill already runs on {data_dir}; stop it, or set DATA_DIR")
        with written_in(data_dir):
            _check_version(data_dir)
        await _outlive_children(children, data_dir)
        yield children
    finally:
        os.close(children)
        os.close(lock)


@contextmanager
def written_in(data_dir: Path) -> Iterator[None]:
    """What the body can't read or write in DATA_DIR, as on a full disk, is a `StartupError`."""
    try:
        yield
    except (ConnectionError, TimeoutError):  # of a server, or of output that nobody reads any more
        raise
    except OSError as error:
        raise StartupError(f"DATA_DIR {data_dir} cannot be used: {error.strerror or error}") from None


def _open(data_dir: Path) -> tuple[int, int]:
    if not data_dir.exists():  # an existing directory keeps its mode: it may be a home, or /tmp
        data_dir.mkdir(parents=True)
        data_dir.chmod(0o711)  # the uid PostgreSQL runs under may pass; each secret inside has mode 0600
    lock, children = (
        os.open(data_dir / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600) for name in ("lock", "children.lock")
    )
    return lock, children


async def _outlive_children(children: int, data_dir: Path) -> None:
    try:
        async with asyncio.timeout(LINGERING):
            while not _taken(children):
                await end_stale_server(data_dir / f"postgres-{POSTGRES}" / "data")
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise StartupError(f"processes of an earlier surefill still use {data_dir}; end them first") from None


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _check_version(data_dir: Path) -> None:
    file = data_dir / "VERSION"
    ours = ".".join(map(str, LAYOUT))
    # A power cut may leave zero bytes where text was to be; what is no text at all is no version of ours.
    text = file.read_text(errors="replace").strip("\0 \n") if file.exists() else None
    if text is not None and not CUT_SHORT.fullmatch(text):
        major, _, minor = text.partition(".")
        if major != str(LAYOUT[0]) or not minor.isdecimal() or int(minor) > LAYOUT[1]:
            raise StartupError(
                f"{data_dir} was written by another version of surefill (layout {text}, this one reads {ours})"
            )
    for cluster in data_dir.glob("postgres-*"):
        if cluster.name != f"postgres-{POSTGRES}":
            raise StartupError(
                f"{data_dir} holds {cluster.name}, and this version of surefill runs PostgreSQL {POSTGRES}"
            )
    if text != ours:
        if text is not None and CUT_SHORT.fullmatch(text):
            log.warning("VERSION was cut short and is written anew", file=str(file), layout=ours)
        write_durably(file, ours + "\n", mode=0o644)
