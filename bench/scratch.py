"""Places for what a measurement starts: directories and ports."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path


@contextmanager
def data_directory() -> Iterator[Path]:
    """A directory that the unprivileged user PostgreSQL runs as can reach; removed at the end."""
    directory = Path(tempfile.mkdtemp(prefix="surefill-bench-"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def free_ports(count: int) -> int:
    """The first of ``count`` ports in a row that nothing listens on."""
    while True:
        with ExitStack() as held:
            first = held.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                for n in range(1, count):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port + n))
            except (OSError, OverflowError):
                continue
            return port
