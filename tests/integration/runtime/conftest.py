"""Small engines that end with their test."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.runtime import running
from tests.integration.runtime.running import Engine


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Below pytest's own directory of mode 0700, which started as root PostgreSQL's uid cannot enter."""
    return tmp_path.resolve() / "data"


@pytest.fixture
def start(data_dir: Path) -> Iterator[Callable[..., Engine]]:
    engines: list[Engine] = []

    def started(where: Path = data_dir, **how: object) -> Engine:
        engines.append(running.start(where, **how))  # type: ignore[arg-type]
        return engines[-1]

    yield started
    for engine in engines:
        if engine.process.poll() is None:
            os.kill(engine.process.pid, signal.SIGTERM)
        engine.process.communicate(timeout=20)
