"""An event loop that is late is overloaded until it has been calm for a while; a busy one is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from api.serving.overload import CALM_S, LoopLag


@pytest.fixture
async def lag() -> AsyncIterator[LoopLag]:
    lag = LoopLag(0.4)
    lag.start()
    await asyncio.sleep(0.12)
    yield lag
    lag.stop()


def block(seconds: float) -> None:
    time.sleep(seconds)  # what is tested is a loop that gets no turn


async def test_a_loop_that_had_no_turn_is_overloaded_before_its_timer_fires_and_after(lag: LoopLag) -> None:
    assert not lag.overloaded
    block(0.7)
    assert lag.overloaded
    await asyncio.sleep(0)
    await asyncio.sleep(0.1)
    assert lag.overloaded


async def test_it_is_over_after_a_calm_while(lag: LoopLag) -> None:
    block(0.7)
    assert lag.overloaded
    await asyncio.sleep(CALM_S + 0.2)
    assert not lag.overloaded


async def test_half_as_late_prolongs_it_and_does_not_begin_it(lag: LoopLag) -> None:
    block(0.35)
    assert not lag.overloaded
    await asyncio.sleep(0.15)
    block(0.7)
    assert lag.overloaded
    for _ in range(3):
        await asyncio.sleep(0.05)
        block(0.35)
        await asyncio.sleep(0)
    assert lag.overloaded


async def test_without_its_timer_nothing_is_ever_late() -> None:
    lag = LoopLag(0.1)
    block(0.3)
    assert not lag.overloaded
