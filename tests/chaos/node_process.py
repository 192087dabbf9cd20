"""The misbehaving node as a process: ``python -m tests.chaos.node_process PORT DIRECTORY WALLET SLOT_MS``."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import ExitStack
from pathlib import Path

import uvicorn
import uvloop

from localnet.bootstrap import open_node
from tests.chaos.misbehaving import FIRST_SENDS, MisbehavingNode


async def serve(port: int, directory: Path, wallet: str, slot_ms: int) -> None:
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", port), backlog=1024))
        node = open_node(directory, wallet, slot_ms=slot_ms, finality=32)
        misbehaving = MisbehavingNode(node, stack.enter_context((directory / FIRST_SENDS).open("a")))
        config = uvicorn.Config(
            misbehaving, http="httptools", ws="none", lifespan="off", log_config=None, timeout_graceful_shutdown=1
        )
        ticking = asyncio.create_task(_make_blocks(misbehaving, slot_ms / 1000))
        # A ledger that fails ends the process, as it does the node's own.
        ticking.add_done_callback(lambda done: done.cancelled() or sys.exit(str(done.exception())))
        await uvicorn.Server(config).serve(sockets=[listener])
        ticking.cancel()
        node.chain.ledger.close()


async def _make_blocks(node: MisbehavingNode, seconds: float) -> None:
    while True:
        await asyncio.sleep(seconds)
        if not node.stalled:
            node.close_block()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])))
