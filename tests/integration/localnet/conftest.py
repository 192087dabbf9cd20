"""Local chains for the tests: one shared by a module, and fresh ones to kill."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.localnet.local_node import LocalNode
from tests.ports import free_port


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalNode]:
    """A running chain with blocks of 10 ms; its state is shared by the module's tests."""
    shared = LocalNode(tmp_path_factory.mktemp("localnet"), free_port(), slot_ms=10)
    shared.start()
    try:
        yield shared
    finally:
        shared.stop()


@pytest.fixture
def own_node(tmp_path: Path) -> Iterator[LocalNode]:
    """A chain of the test's own, not started yet."""
    own = LocalNode(tmp_path / "localnet", free_port(), slot_ms=20)
    try:
        yield own
    finally:
        own.kill()
