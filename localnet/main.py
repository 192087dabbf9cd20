"""The local chain as a process: blocks on a clock, JSON-RPC over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import structlog
import uvicorn

from localnet.block_clock import BlockClock
from localnet.bootstrap import open_node
from localnet.server import RpcServer

log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers and its ten ticks a second: the caller of ``serve`` decides when it ends."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        self.should_exit = True
        self._stopped.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def main_loop(self) -> None:
        await self._stopped.wait()


async def serve(*, host: str, port: int, directory: Path, wallet: str, slot_ms: int = 100, finality: int = 32) -> None:
    """Serve the chain kept in ``directory`` until cancelled; ``wallet`` (base58) is the one funded at its genesis.

    Raises ``OSError`` where the port is taken, ``LedgerInUseError``, ``LedgerDamagedError`` and
    ``ForeignDirectoryError`` for the directory. An error of the disk ends it too: a block that can't be written is
    never shown.
    """
    with socket.create_server((host, port), backlog=1024) as listener:
        node = open_node(directory, wallet, slot_ms=slot_ms, finality=finality)
        clock = BlockClock(node.chain, slot_ms / 1000)
        config = uvicorn.Config(
            RpcServer(node, clock),
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            date_header=False,  # uvicorn's ticks would keep it
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        address = f"http://{host}:{listener.getsockname()[1]}"
        log.info(
            "localnet ready",
            rpc=address,
            genesis_hash=str(node.chain.genesis_hash),
            height=node.chain.height("processed"),
        )
        try:
            await asyncio.wait({serving, clock.failed}, return_when=asyncio.FIRST_COMPLETED)
            if clock.failed.done():
                clock.failed.result()
        finally:
            server.stop()
            clock.stop()
            await serving
            node.chain.ledger.close()
