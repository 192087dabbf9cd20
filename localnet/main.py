"""The local chain as a process: blocks on a clock, JSON-RPC over HTTP."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import structlog

from api.serving.access import STRICT, Access
from api.serving.checked import checked
from api.serving.concurrency import at_most
from api.serving.limits import Limits
from api.serving.server import server
from localnet.block_clock import BlockClock
from localnet.bootstrap import open_node
from localnet.server import BODY_LIMIT, RpcServer

log = structlog.get_logger(__name__)

LIMITS = Limits(body_bytes=BODY_LIMIT)


async def serve(
    *,
    host: str,
    port: int,
    directory: Path,
    wallet: str,
    access: Access = STRICT,
    slot_ms: int = 100,
    finality: int = 32,
) -> None:
    """Serve the chain kept in ``directory`` until cancelled; ``wallet`` (base58) is the one funded at its genesis.

    Raises ``OSError`` where the port is taken, ``LedgerInUseError``, ``LedgerDamagedError`` and
    ``ForeignDirectoryError`` for the directory. An error of the disk ends it too: a block that can't be written is
    never shown.
    """
    with socket.create_server((host, port), backlog=1024) as listener:
        node = open_node(directory, wallet, slot_ms=slot_ms, finality=finality)
        clock = BlockClock(node.chain, slot_ms / 1000)
        rpc = server(
            checked(at_most(RpcServer(node, clock)), access),
            LIMITS,
            ws="none",
            lifespan="off",
            date_header=False,  # it would take uvicorn's ten ticks a second
            timeout_graceful_shutdown=2,
        )
        serving = asyncio.create_task(rpc.serve(sockets=[listener]))
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
            rpc.stop()
            clock.stop()
            await serving
            node.chain.ledger.close()
