"""The local chain as a process: blocks on a clock, JSON-RPC over HTTP."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import structlog

from api.serving.access import STRICT, Access
from api.serving.checked import checked
from api.serving.concurrency import at_most
from api.serving.limits import Limits
from api.serving.server import Server, server
from localnet.behaviour import Behaviour
from localnet.block_clock import BlockClock
from localnet.bootstrap import open_node
from localnet.replica import Replica
from localnet.rpc.node import Node
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
    behaviour: Behaviour | None = None,
) -> None:
    """Serve the chain kept in ``directory`` until cancelled; ``wallet`` (base58) is the one funded at its genesis.

    ``behaviour`` takes the place of ``slot_ms``. Raises ``OSError`` where a port is taken, ``LedgerInUseError``,
    ``LedgerDamagedError`` and ``ForeignDirectoryError`` for the directory. An error of the disk ends it too: a block
    that can't be written is never shown.
    """
    behaves = behaviour or Behaviour(slot_ms=slot_ms)
    with ExitStack() as stack:
        listener = stack.enter_context(_listener(host, port))
        node = open_node(
            directory, wallet, slot_ms=behaves.slot_ms, finality=finality, readable_back=behaves.replica_blocks
        )
        clock = BlockClock(node.chain, behaves)
        servers = [_server(node, clock, access)]
        serving = [asyncio.create_task(servers[0].serve(sockets=[listener]))]
        if behaves.replica_port is not None:
            replica = replace(node, chain=Replica(node.chain, behaves.replica_blocks))
            own = stack.enter_context(_listener(host, behaves.replica_port))
            servers.append(_server(replica, clock, access))
            serving.append(asyncio.create_task(servers[1].serve(sockets=[own])))
        log.info(
            "localnet ready",
            rpc=f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}",
            genesis_hash=str(node.chain.genesis_hash),
            height=node.chain.height("processed"),
        )
        try:
            await asyncio.wait({*serving, clock.failed}, return_when=asyncio.FIRST_COMPLETED)
            if clock.failed.done():
                clock.failed.result()
        finally:
            for one in servers:
                one.stop()
            clock.stop()
            await asyncio.gather(*serving)
            node.chain.ledger.close()


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=1024)


def _server(node: Node, clock: BlockClock, access: Access) -> Server:
    return server(
        checked(at_most(RpcServer(node, clock)), access),
        LIMITS,
        ws="none",
        lifespan="off",
        date_header=False,  # it would take uvicorn's ten ticks a second
        timeout_graceful_shutdown=2,
    )
