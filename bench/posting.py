"""Orders posted for a lane that measures something else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson

from bench.client.http import HttpConnection, post
from bench.closed_loop import NotAccepted
from bench.subject import EXECUTE


async def post_all(port: int, bodies: Sequence[bytes], connections: int) -> list[str]:
    """The orders' ids, in the order of ``bodies``. Raises NotAccepted."""
    ids = [""] * len(bodies)
    left = iter(enumerate(bodies))

    async def one_after_another() -> None:
        connection = await HttpConnection.to(port)
        for at, body in left:
            answer = await connection.request(post(port, EXECUTE, body))
            if answer.status != 202:
                raise NotAccepted(f"{answer.status}: {answer.body[:200].decode(errors='replace')}")
            ids[at] = orjson.loads(answer.body)["orderId"]
        connection.close()

    await asyncio.gather(*(one_after_another() for _ in range(connections)))
    return ids
