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

import orjson
import uvloop

from bench.client.websocket import Socket

AT_ONCE = 64


class Listener:
    """``delays``: milliseconds from an event's record to its message, of messages that came after ``begin``."""

    def __init__(self) -> None:
        self.delays: list[float] = []
        self.statuses = Counter[str]()
        self.codes = Counter[int]()
        self._begun = False

    def begin(self) -> None:
        self._begun = True

    def hear(self, text: bytes) -> None:
        if not self._begun:
            return
        now = time.time()
        said = orjson.loads(text)
        # Recorded-at in whole milliseconds, rounded down: what is found is at most one too much.
        self.delays.append(1_000 * now - said["timestamp"])
        self.statuses[said["status"]] += 1


async def _listen(port: int, orders: list[str]) -> None:
    listener, left, sockets = Listener(), iter(orders), list[Socket]()
    begun = time.perf_counter()

    async def connect() -> None:
        for order_id in left:
            socket = await Socket.to(port, f"/ws/orders/{order_id}", listener.hear)
            socket.closed.add_done_callback(lambda closed: listener.codes.update([closed.result()]))
            sockets.append(socket)

    await asyncio.gather(*(connect() for _ in range(AT_ONCE)))
    opened = time.perf_counter() - begun
    await asyncio.sleep(2.0)  # what each socket is told at first
    listener.begin()
    print("open", f"{opened:.3f}", flush=True)
    before = time.process_time()
    await asyncio.to_thread(sys.stdin.read)
    said = {
        "delays": listener.delays,
        "statuses": listener.statuses,
        "closed": listener.codes,
        "still_open": sum(not socket.closed.done() for socket in sockets),
        "processor_seconds": time.process_time() - before,
    }
    print(json.dumps(said), flush=True)


def main() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    uvloop.run(_listen(int(sys.argv[1]), Path(sys.argv[2]).read_text().split()))


if __name__ == "__main__":
    main()
