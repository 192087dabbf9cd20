"""What a recording runs on: the execution side on real servers, and a chain of its own whose node can misbehave."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chains.wallet import Wallet
from tests.chaos.node import FaultyNode
from tests.integration.conftest import (  # noqa: F401 - pytest finds fixtures and hooks by their names here
    database,
    migrated,
    postgres,
    pytest_asyncio_loop_factories,
    valkey,
)
from tests.integration.workers.conftest import chain_timeout, engine  # noqa: F401


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[FaultyNode]:
    node = FaultyNode(tmp_path / "chain", Wallet.create(tmp_path / "wallet.json").address)
    await node.start()
    yield node
    await node.stop()


@pytest.fixture
def rpc_url(node: FaultyNode) -> str:
    return node.url
