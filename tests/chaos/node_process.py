"""The misbehaving node as a process: ``python -m tests.chaos.node_process DIRECTORY WALLET SLOT_MS PORT...``.

Each port is an endpoint with faults of its own; those that strike blocks are the first one's.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import uvicorn
import uvloop

from localnet.bootstrap import open_node
from tests.chaos.misbehaving import FIRST_SENDS, MisbehavingNode


async def serve(directory: Path, wallet: str, slot_ms: int, ports: Sequence[int]) -> None:
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", port), backlog=1024)) for port in ports]
        node = open_node(directory, wallet, slot_ms=slot_ms, finality=32)
        sends = stack.enter_context((directory / FIRST_SENDS).open("a"))
        endpoints = [MisbehavingNode(node, sends) for _ in ports]
        ticking = asyncio.create_task(_make_blocks(endpoints, slot_ms / 1000))
        # A ledger that fails ends the process, as it does the node's own.
        ticking.add_done_callback(lambda done: done.cancelled() or sys.exit(str(done.exception())))
        servers = [
            uvicorn.Server(
                uvicorn.Config(
                    endpoint, http="httptools", ws="none", lifespan="off", log_config=None, timeout_graceful_shutdown=1
                )
            )
            for endpoint in endpoints
        ]
        served = zip(servers, listeners, strict=True)
        await asyncio.gather(*(server.serve(sockets=[listener]) for server, listener in served))
        ticking.cancel()
        node.chain.ledger.close()


async def _make_blocks(endpoints: Sequence[MisbehavingNode], seconds: float) -> None:
    first, *others = endpoints
    while True:
        await asyncio.sleep(seconds)
        if not first.stalled:
            first.close_block()
            for other in others:
                other.run_due()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), [int(port) for port in sys.argv[4:]]))
