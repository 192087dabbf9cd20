"""The execution side on real parts: PostgreSQL, Valkey, Dramatiq's worker threads, the local chain."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chains.wallet import Wallet
from localnet.main import serve
from runtime.composition import open_market, open_store
from runtime.preconditions import require_wallet
from runtime.settings import Settings
from tests.integration.conftest import TestDatabase, new_database
from tests.integration.embedded import EmbeddedPostgres, EmbeddedValkey
from tests.integration.workers.harness import EngineHarness
from tests.ports import free_port
from workers.dispatch.broker import QUEUE
from workers.reclaim import sent_reclaims

SLOT_MS = 20


@pytest.fixture
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reclaim that was sent is looked for more often."""
    monkeypatch.setattr(sent_reclaims, "LOOK_AGAIN_S", 0.2)


@pytest.fixture
def chain_timeout() -> float:
    """How long (s) a call to the node may take."""
    return 10.0


@pytest.fixture
async def rpc_url(tmp_path: Path) -> AsyncIterator[str]:
    """A local chain of its own, and the wallet it has funded in ``tmp_path/wallet.json``."""
    wallet = Wallet.create(tmp_path / "wallet.json")
    port = free_port()
    node = asyncio.create_task(
        serve(host="127.0.0.1", port=port, directory=tmp_path / "chain", wallet=wallet.address, slot_ms=SLOT_MS)
    )
    yield f"http://127.0.0.1:{port}"
    node.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await node


@pytest.fixture
async def engine(
    database: TestDatabase, valkey: EmbeddedValkey, rpc_url: str, chain_timeout: float, tmp_path: Path
) -> AsyncIterator[EngineHarness]:
    settings = Settings(database_url=database.app, redis_url=valkey.url, solana_rpc_url=rpc_url, data_dir=tmp_path)
    async with running_engine(settings, chain_timeout) as engine:
        yield engine


@pytest.fixture
async def other(
    engine: EngineHarness, postgres: EmbeddedPostgres, migrated: str, chain_timeout: float
) -> AsyncIterator[EngineHarness]:
    """Another engine with a log of its own, and the same wallet on the same chain. It shares Valkey: a test lets each
    execute its orders itself.
    """
    with new_database(postgres, like=migrated) as database:
        settings = engine.settings.model_copy(update={"database_url": database.app})
        async with running_engine(settings, chain_timeout) as other:
            yield other


@asynccontextmanager
async def running_engine(settings: Settings, chain_timeout: float) -> AsyncIterator[EngineHarness]:
    async with (
        open_store(settings, "test", connections=8) as store,
        open_market(settings, store, patience=chain_timeout) as market,
    ):
        store.broker.flush(QUEUE)
        async with asyncio.timeout(10):
            genesis_hash = await market.identity.confirmed()
        wallet = await require_wallet(store.pool, store.mapper, genesis_hash, settings.wallet_source)
        following = asyncio.create_task(store.feed.run())
        await store.feed.begun()
        engine = EngineHarness(settings, store, market, wallet, genesis_hash)
        yield engine
        await engine.close()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
