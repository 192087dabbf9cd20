"""A guard that orders share may have been made by what nobody knew of when the chain was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast
from uuid import UUID

import pytest

from chains.protocol import Inconclusive, OutcomeQuestion
from domain import events as e
from domain.evolve import fold
from domain.order import Order
from event_store.processors.leases import Lease
from tests.unit.domain.scenario import built, expired, routed
from tests.unit.domain.test_lists import FLYING, recorded
from tests.unit.workers.tracker.test_tracked_attempts import loaded
from workers.tracker.expiry_prover import HIDDEN, ExpiryProver
from workers.tracker.tracked_attempt import TrackedAttempt
from workers.tracker.tracked_attempts import TrackedAttempts

ENDED = e.OrderFailed(code="deadline_passed", detail="", retryable=True)
LOST = (*recorded("oco", 1), *FLYING, expired(), ENDED)
OF_OTHER = (e.CancelRequested(code="other_leg_ended"), built(2).model_copy(update={"purpose": "cancel"}))


def other(signs: bool) -> Order:
    order = fold((*recorded("oco", 2), routed(), built(), *(OF_OTHER if signs else ())))
    assert order is not None
    return order


class World:
    """A chain that shows the guard, made by what the other order signs while it is asked, where that ``signs``; and
    who records what is learned. ``hidden``: the other order can't be read.
    """

    def __init__(self, *, signs: bool, hidden: bool = False) -> None:
        self._signs = signs
        self._hidden = hidden
        self.said: list[tuple[str, bool]] = []
        self.asked = False
        self.contradictions: list[str] = []

    async def outcomes(self, questions: Sequence[OutcomeQuestion]) -> list[Inconclusive]:
        self.asked = True
        return [Inconclusive("it shows the order's guard", guard_seen=True, permanent=True) for _ in questions]

    async def sharing(self, _: TrackedAttempt) -> list[Order]:
        return [] if self._hidden else [other(self._signs and self.asked)]

    async def isolate(self, _: TrackedAttempt, step: Callable[..., Awaitable[None]], *arguments: Any) -> bool:
        await step(*arguments)
        return True

    async def record_contradiction(self, _: Lease, attempt: TrackedAttempt, kind: str, detail: str) -> bool:
        self.contradictions.append(kind)
        return True

    async def record_uncertainty(self, _: UUID, __: int, reason: str, *, permanent: bool) -> None:
        self.said.append((reason, permanent))


async def prove(world: World) -> None:
    nothing, real = cast("Any", None), cast("Any", world)
    tracked = TrackedAttempts(nothing, nothing, nothing)
    tracked.update(loaded(*LOST))
    prover = ExpiryProver(real, real, real, nothing, nothing, nothing, nothing)
    async with asyncio.TaskGroup() as tasks:
        prover.start(tasks, nothing, tracked.watched(), 10_000)


@pytest.mark.parametrize(("signs", "halts"), [(True, []), (False, ["landed_after_end"])])
async def test_a_guard_that_may_be_the_other_orders_contradicts_nothing(*, signs: bool, halts: list[str]) -> None:
    world = World(signs=signs)
    await prove(world)
    assert (world.asked, world.contradictions) == (True, halts)


async def test_nor_does_one_that_is_shared_with_an_order_that_nobody_can_read() -> None:
    world = World(signs=False, hidden=True)
    await prove(world)
    assert (world.contradictions, world.said) == ([], [(HIDDEN, False)])
