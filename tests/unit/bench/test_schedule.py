from __future__ import annotations

import asyncio
import time
from itertools import pairwise

import pytest

from bench.schedule import instants, open_loop


def test_instants_are_evenly_spaced_from_the_beginning_on():
    assert instants(10.0, 4, 5) == [10.0, 10.25, 10.5, 10.75, 11.0]
    with pytest.raises(ValueError, match="rate"):
        instants(0.0, 0, 1)


async def test_an_open_loop_does_not_wait_for_what_is_slow():
    loop, started = asyncio.get_running_loop(), []

    async def never_in_time(instant: float) -> float:
        started.append(loop.time())
        await asyncio.sleep(0.3)
        return instant

    results = await open_loop(100, 10, never_in_time)
    # One after another they would take 3 s.
    assert started[-1] - started[0] < 0.3
    assert [later - one for one, later in pairwise(results)] == pytest.approx([0.01] * 9)


async def test_an_instant_that_the_client_missed_counts_all_the_same():
    loop, late = asyncio.get_running_loop(), []

    async def send(instant: float) -> None:
        late.append(loop.time() - instant)
        if len(late) == 1:
            time.sleep(0.2)  # noqa: ASYNC251  # the client itself stands still

    await open_loop(100, 5, send)
    assert late[1] > 0.15


async def test_an_error_of_one_request_ends_the_loop():
    async def broken(_: float) -> None:
        raise LookupError("lost")

    with pytest.raises(ExceptionGroup):
        await open_loop(1_000, 3, broken)
