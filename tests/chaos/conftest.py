"""Two settings: the execution side in front of a node that misbehaves, and every role as a process that may die."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from chains.wallet import Wallet
from event_store.schema.migrate import migrate
from tests.chaos.node import FaultyNode
from tests.chaos.processes import CORE, ROLES, ProcessHarness
from tests.e2e.conftest import own_engine, reachable  # noqa: F401
from tests.integration.conftest import (  # noqa: F401 - pytest finds fixtures and hooks by their names here
    database,
    migrated,
    postgres,
    pytest_asyncio_loop_factories,
    valkey,
)
from tests.integration.embedded import EmbeddedPostgres, EmbeddedValkey
from tests.integration.workers.conftest import engine  # noqa: F401


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


@pytest.fixture(scope="module")
def processes(postgres: EmbeddedPostgres, valkey: EmbeddedValkey) -> Iterator[ProcessHarness]:  # noqa: F811
    """Each role in a process of its own."""
    with playing(postgres, valkey, ROLES) as processes:
        yield processes


@pytest.fixture(scope="module")
def core(postgres: EmbeddedPostgres, valkey: EmbeddedValkey) -> Iterator[ProcessHarness]:  # noqa: F811
    """All roles in one process."""
    with playing(postgres, valkey, CORE) as processes:
        yield processes


@contextmanager
def playing(
    postgres: EmbeddedPostgres,  # noqa: F811
    valkey: EmbeddedValkey,  # noqa: F811
    roles: tuple[str, ...],
    **settings: str,
) -> Iterator[ProcessHarness]:
    """A database, a queue and a chain of their own for ``roles``; ``settings`` are environment variables."""
    name = f"chaos_{secrets.token_hex(4)}"
    with psycopg.connect(postgres.superuser, autocommit=True) as connection:
        connection.execute(sql.SQL("create database {} owner surefill_owner").format(sql.Identifier(name)))
    app = postgres.url("surefill", "surefill", name)
    asyncio.run(migrate(postgres.url("surefill_owner", "owner", name), app))
    directory = Path(tempfile.mkdtemp(prefix="surefill-chaos-"))
    node = FaultyNode(directory / "localnet", Wallet.create(directory / "wallet.json").address, slot_ms=40)
    number = 0 if roles == ROLES else 2  # the queue is in the database after it
    redis_url = f"{valkey.url.rstrip('/').removesuffix('/0')}/{number}"
    processes = ProcessHarness(directory, app, redis_url, node, roles, settings)
    try:
        processes.start()
        yield processes
    finally:
        processes.stop()
        shutil.rmtree(directory, ignore_errors=True)
