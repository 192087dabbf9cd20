from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from cli.demo import FIRST_ORDER
from tests.e2e.engine import Engine


@pytest.fixture(scope="session")
def reachable() -> Iterator[Path]:
    """A directory that the unprivileged user PostgreSQL runs as can reach, whoever runs the tests."""
    directory = Path(tempfile.mkdtemp(prefix="surefill-e2e-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def engine(reachable: Path) -> Iterator[Engine]:
    """One engine for all tests that leave it as it was."""
    directory = reachable / "shared"
    directory.mkdir(mode=0o755)
    engine = Engine(directory)
    engine.start()
    yield engine
    assert engine.stop() == 0, engine.log()


@pytest.fixture(scope="session")
def first_order(engine: Engine) -> str:
    """The id of the order that `make run` begins with, confirmed on the shared engine."""
    with httpx2.Client(base_url=engine.url, trust_env=False) as client:
        answer = client.post("/api/orders/execute", json=FIRST_ORDER)
        assert answer.status_code == 202, answer.text
        order = answer.json()["links"]["order"]
        deadline = time.monotonic() + 30
        while (status := client.get(order).json()["status"]) != "confirmed":
            assert time.monotonic() < deadline, status
            time.sleep(0.1)
    return str(answer.json()["orderId"])


@pytest.fixture
def own_engine(reachable: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine that a test may break; not started yet."""
    directory = reachable / request.node.name[:60]
    directory.mkdir(mode=0o755)
    engine = Engine(directory)
    yield engine
    if engine.process is not None and engine.process.poll() is None:
        engine.stop()
