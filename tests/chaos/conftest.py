"""The execution side, as in tests/integration/workers, in front of a node that misbehaves."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chains.wallet import Wallet
from tests.chaos.node import FaultyNode
from tests.integration.conftest import (  # noqa: F401 - pytest finds fixtures and hooks by their names here
    database,
    empty_database,
    postgres,
    pytest_asyncio_loop_factories,
    valkey,
)
from tests.integration.workers.conftest import desks  # noqa: F401


@pytest.fixture
def chain_timeout() -> float:
    return 0.5


@pytest.fixture(scope="package")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FaultyNode]:
    """A chain with blocks of 20 ms, beside it ``wallet.json``: the wallet it has funded."""
    directory = tmp_path_factory.mktemp("faulty")
    faulty = FaultyNode(directory / "chain", Wallet.create(directory / "wallet.json").address)
    try:
        asyncio.run(faulty.start())
        yield faulty
    finally:
        asyncio.run(faulty.stop())


@pytest.fixture
async def node(shared: FaultyNode, tmp_path: Path) -> AsyncIterator[FaultyNode]:
    """The shared chain, its node well at first and at last."""
    shutil.copy(shared.directory.parent / "wallet.json", tmp_path)
    yield shared
    await shared.clear()


@pytest.fixture
def rpc_url(node: FaultyNode) -> str:
    return node.url
