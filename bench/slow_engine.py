"""An engine whose core is ``bench.slow_core``; servers and local chain are the product's, each a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bench.beside import HEALTH, started
from bench.engine import SUREFILL, Engine
from bench.product import load_wallet, migrated, postgres_alone, valkey_alone
from bench.scratch import free_ports


@asynccontextmanager
async def slow_engine(directory: Path, seconds: float) -> AsyncIterator[Engine]:
    """An engine that keeps its data in ``directory``, at venues that quote SOL/USDC ``seconds`` late."""
    data_dir, port, node_port = directory / "data", free_ports(1), free_ports(1)
    node = f"http://127.0.0.1:{node_port}"
    async with AsyncExitStack() as stack:
        server, postgres = await stack.enter_async_context(postgres_alone(data_dir))
        redis_url, valkey = await stack.enter_async_context(valkey_alone(data_dir))
        load_wallet(data_dir / "wallet.json", create=True)
        addresses = {"DATABASE_URL": await migrated(server), "REDIS_URL": redis_url, "SOLANA_RPC_URL": node}
        common = {**os.environ, "DATA_DIR": str(data_dir), "LOCALNET_PORT": str(node_port)}
        localnet = await stack.enter_async_context(
            started((str(SUREFILL), "localnet"), directory / "localnet.log", node, body=HEALTH, environment=common)
        )
        core = await stack.enter_async_context(
            started(
                (sys.executable, "-m", "bench.slow_core", str(seconds)),
                directory / "core.log",
                f"http://127.0.0.1:{port}/health/ready",
                environment={**common, **addresses, "PORT": str(port)},
            )
        )
        engine = Engine(directory, port, core, (postgres, valkey, localnet))
        engine.addresses = addresses
        yield engine
