"""As many orders as it takes, each connection posting the next as soon as its last is answered: what throughput is."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.client.http import HttpConnection, post
from bench.processes import Usage, between, sample
from bench.subject import Ended, Mark, Subject

ENDED_WITHIN_S = 300.0
# Statuses and read models come after the confirmation, and are an order's cost too.
AFTERWARDS_S = 1.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Run:
    """``accepted`` and ``seconds``: from the first request to the last answer, and to the last order's recorded end.

    ``usage`` is of the run itself, which says what was full; ``with_afterwards`` is of a second more, which says what
    an order costs.
    """

    orders: int
    confirmed: int
    accepted: float
    seconds: float
    usage: Usage
    with_afterwards: Usage

    @property
    def rate(self) -> float:
        """Confirmed orders a second."""
        return self.confirmed / self.seconds

    def milliseconds_an_order(self, name: str | None = None) -> float:
        """Processor time of one process, or of all but the client."""
        used = self.with_afterwards
        total = used.total - used.seconds.get("client", 0.0) if name is None else used.seconds.get(name, 0.0)
        return 1_000 * total / self.orders


class NotAccepted(Exception):
    """An order was answered with something else than that it was accepted."""


async def closed_loop(
    subject: Subject,
    orders: int,
    connections: int,
    path: str,
    body: bytes,
    batch: int = 1,
    headers: Mapping[str, str] | None = None,
) -> Run:
    """Post ``orders`` orders, ``batch`` in each ``body``, and wait until all have ended.

    Raises NotAccepted, and TimeoutError when they don't end.
    """
    ports = [subject.ports[number % len(subject.ports)] for number in range(connections)]
    ready = [await HttpConnection.to(port) for port in ports]
    mark = subject.mark()
    first, begun = sample(subject.roots()), time.time()
    left = iter(range(-(-orders // batch)))
    requests = (post(port, path, body, headers or {}) for port in ports)
    await asyncio.gather(*(post_each(*each, left) for each in zip(ready, requests, strict=True)))
    accepted = time.time() - begun
    ended = await all_ended(mark, orders)
    last = sample(subject.roots())
    await asyncio.sleep(AFTERWARDS_S)
    afterwards = sample(subject.roots())
    mark.close()
    for connection in ready:
        connection.close()
    return Run(
        orders,
        ended.count - ended.failed,
        accepted,
        ended.last_at - begun,
        between(first, last),
        between(first, afterwards),
    )


async def post_each(connection: HttpConnection, request: bytes, left: Iterator[int]) -> None:
    """One request after another while there are any in ``left``. Raises NotAccepted."""
    for _ in left:
        answer = await connection.request(request)
        if answer.status not in (200, 202, 207):
            raise NotAccepted(f"{answer.status}: {answer.body[:200].decode(errors='replace')}")


async def all_ended(mark: Mark, orders: int) -> Ended:
    """Once ``orders`` orders have ended after ``mark``. Raises TimeoutError."""
    async with asyncio.timeout(ENDED_WITHIN_S):
        while True:
            found = mark.ended()
            if found.count >= orders:
                return found
            await asyncio.sleep(_POLL_S)


def fullest(usage: Usage, cores: int, shown: int = 6) -> str:
    """The resource that was full, in words, and the percentage of a core that each process took."""
    each = ", ".join(
        f"{name} {usage.percent(name):.0f} %" for name, _ in usage.by_size()[:shown] if usage.percent(name) >= 1
    )
    busy = f"{100 * usage.busy:.0f} % of {cores} cores busy"
    if usage.busy >= 0.9:
        return f"all cores are full ({busy}): {each}"
    full = [name for name, _ in usage.by_size() if usage.percent(name) >= 90]
    if full:
        return f"one core is full in {' and '.join(full)} ({busy}): {each}"
    return f"nothing is full ({busy}): {each}"


def cost_by_process(runs: Sequence[Run]) -> list[tuple[str, float]]:
    """Milliseconds of processor time an order, the mean of all runs; the largest first."""
    found = defaultdict[str, float](float)
    for run in runs:
        for name in run.with_afterwards.seconds:
            found[name] += run.milliseconds_an_order(name) / len(runs)
    return sorted(found.items(), key=lambda item: -item[1])
