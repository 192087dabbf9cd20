"""The client of the fan-out lane, a process of its own: sockets on many orders, and how late each message comes.

`python -m bench.fan_out_client PORT FILE`. FILE has an order's id in each line. It says `open` and in how many seconds
once every socket is, then counts, and when its input ends it says what it heard, as JSON, and ends.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import uvloop

from bench.client.websocket import Socket

AT_ONCE = 64
# The engine asks to connect again: it restarts, or the client was too slow.
AGAIN = (1012, 4408)
_AGAIN_AFTER_S = 0.2


class Heard:
    """``delays``: milliseconds from an event's record to its message, of messages that came after ``begin``."""

    def __init__(self) -> None:
        self.delays: list[float] = []
        self.statuses = Counter[str]()
        self.codes = Counter[int]()
        self._begun = False

    def begin(self) -> None:
        self._begun = True

    def hear(self, said: dict[str, Any]) -> None:
        if self._begun:
            # Recorded-at in whole milliseconds, rounded down: what is found is at most one too much.
            self.delays.append(1_000 * time.time() - said["timestamp"])
            self.statuses[said["status"]] += 1


async def _follow(port: int, order_id: str, heard: Heard, first: asyncio.Future[None]) -> None:
    """Until the order has ended; ``first`` is done with its first message, until which a socket is not really open."""
    sequence = 0

    def hear(text: bytes) -> None:
        nonlocal sequence
        said = orjson.loads(text)
        sequence = said["sequence"]
        heard.hear(said)
        if not first.done():
            first.set_result(None)

    while True:
        socket = await Socket.to(port, f"/ws/orders/{order_id}?after={sequence}", hear)
        code = await socket.closed
        heard.codes[code] += 1
        if code not in AGAIN:
            return
        await asyncio.sleep(_AGAIN_AFTER_S)


async def _listen(port: int, orders: list[str]) -> None:
    loop, heard, left = asyncio.get_running_loop(), Heard(), iter(orders)
    following: list[asyncio.Task[None]] = []
    begun = time.perf_counter()

    async def connect() -> None:
        for order_id in left:
            first: asyncio.Future[None] = loop.create_future()
            task = asyncio.create_task(_follow(port, order_id, heard, first))
            following.append(task)
            await asyncio.wait((first, task), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()

    await asyncio.gather(*(connect() for _ in range(AT_ONCE)))
    opened = time.perf_counter() - begun
    heard.begin()
    print("open", f"{opened:.3f}", flush=True)
    before = time.process_time()
    await asyncio.to_thread(sys.stdin.read)
    said = {
        "delays": heard.delays,
        "statuses": heard.statuses,
        "closed": heard.codes,
        "still_open": sum(not one.done() for one in following),
        "processor_seconds": time.process_time() - before,
    }
    print(json.dumps(said), flush=True)
    for one in following:
        one.cancel()


def main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(_listen(int(sys.argv[1]), Path(sys.argv[2]).read_text().split()))


if __name__ == "__main__":
    main()
