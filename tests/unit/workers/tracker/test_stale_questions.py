"""What was signed while the chain was asked, for an order that shares the guard, may have made it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import pytest

from chains.protocol import Inconclusive, OutcomeQuestion
from domain import events as e
from domain.evolve import fold
from domain.order import Order
from event_store.processors.leases import Lease
from tests.unit.domain.scenario import built, expired, routed
from tests.unit.domain.test_lists import FLYING, recorded
from tests.unit.workers.tracker.test_tracked_attempts import loaded
from workers.tracker.expiry_prover import ExpiryProver
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
    who records what is learned.
    """

    def __init__(self, *, signs: bool) -> None:
        self._signs = signs
        self.asked = False
        self.contradictions: list[str] = []

    async def outcomes(self, questions: Sequence[OutcomeQuestion]) -> list[Inconclusive]:
        self.asked = True
        return [Inconclusive("it shows the order's guard", guard_seen=True, permanent=True) for _ in questions]

    async def sharing(self, _: TrackedAttempt) -> list[Order]:
        return [other(self._signs and self.asked)]

    async def isolate(self, _: TrackedAttempt, step: Callable[..., Awaitable[None]], *arguments: Any) -> bool:
        await step(*arguments)
        return True

    async def record_contradiction(self, _: Lease, attempt: TrackedAttempt, kind: str, detail: str) -> bool:
        self.contradictions.append(kind)
        return True


@pytest.mark.parametrize(("signs", "halts"), [(True, []), (False, ["landed_after_end"])])
async def test_a_guard_that_may_be_the_other_orders_contradicts_nothing(*, signs: bool, halts: list[str]) -> None:
    world, nothing = World(signs=signs), cast("Any", None)
    tracked = TrackedAttempts(nothing, nothing, nothing)
    tracked.update(loaded(*LOST))
    prover = ExpiryProver(cast("Any", world), nothing, cast("Any", world), nothing, nothing, nothing)
    async with asyncio.TaskGroup() as tasks:
        prover.start(tasks, nothing, tracked.watched(), 10_000)
    assert (world.asked, world.contradictions) == (True, halts)
