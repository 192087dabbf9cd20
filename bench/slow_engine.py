"""Engines whose core is one of the bench's own compositions; servers and local chain are the product's, each a process
of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bench.beside import HEALTH, started
from bench.engine import SUREFILL, Engine
from bench.product import SWAP_PROGRAM, load_wallet, migrated, postgres_alone, valkey_alone
from bench.scratch import free_ports


@asynccontextmanager
async def slow_engine(directory: Path, seconds: float) -> AsyncIterator[Engine]:
    """An engine that keeps its data in ``directory``, at venues that quote SOL/USDC ``seconds`` late."""
    async with _engine(directory, ("bench.slow_core", str(seconds))) as engine:
        yield engine


@asynccontextmanager
async def remote_engine(directory: Path, quote_ms: int, build_ms: int) -> AsyncIterator[Engine]:
    """An engine at a remote venue for SOL/USDC, which takes so long for a quote and for a transaction."""
    async with _engine(directory, ("bench.remote_core",), (str(quote_ms), str(build_ms))) as engine:
        yield engine


@asynccontextmanager
async def _engine(
    directory: Path, core: tuple[str, ...], service: tuple[str, ...] | None = None
) -> AsyncIterator[Engine]:
    """``core`` is the module that is its core, with its arguments; ``service`` are ``bench.remote_service``'s waits."""
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
        beside, remote = [postgres, valkey, localnet], {}
        if service is not None:
            service_port = free_ports(1)
            url = f"http://127.0.0.1:{service_port}"
            command = (sys.executable, "-m", "bench.remote_service", str(service_port), node, *service)
            beside.append(await stack.enter_async_context(started(command, directory / "service.log", f"{url}/health")))
            remote = {
                "VENUES": "pools,raydium",
                "RAYDIUM_URL": url,
                "RAYDIUM_REQUESTS_PER_MINUTE": "100000",
                "PROGRAMS_ALLOWED": SWAP_PROGRAM,
            }
        pid = await stack.enter_async_context(
            started(
                (sys.executable, "-m", *core),
                directory / "core.log",
                f"http://127.0.0.1:{port}/health/ready",
                environment={**common, **addresses, **remote, "PORT": str(port)},
            )
        )
        engine = Engine(directory, port, pid, tuple(beside))
        engine.addresses = addresses
        yield engine
