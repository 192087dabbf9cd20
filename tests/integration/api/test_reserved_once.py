"""An order that is asked for more than once before it is recorded, with whatever terms: what is reserved for it covers
the largest that may come of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from uuid import UUID

import pytest

from commands.account_use import Exceeded
from commands.reservations import Reservations
from domain.directory import DEFAULT_ACCOUNT
from domain.limits import NO_LIMITS
from tests.integration.api.serving import Engine
from tests.integration.api.test_account_limits import LIMIT, ORDERS, limit, post
from tests.integration.conftest import TestDatabase

ONE, TWO, THREE = UUID(int=1), UUID(int=2), UUID(int=3)
LIMITS = NO_LIMITS.model_copy(update={"max_open_orders": 3, "max_daily_notional": Decimal(100)})
Ask = Callable[..., Awaitable[Exceeded | None]]


@pytest.fixture
def reservations(engine: Engine) -> Reservations:
    return Reservations(engine.pool)


@pytest.fixture
def ask(reservations: Reservations) -> Ask:
    async def ask(*worth: int, order_ids: tuple[UUID, ...] = (ONE,)) -> Exceeded | None:
        notionals = dict(zip(order_ids, map(Decimal, worth), strict=True))
        return await reservations.reserve_all(DEFAULT_ACCOUNT, notionals, LIMITS)

    return ask


async def used(reservations: Reservations) -> tuple[int, Decimal]:
    used = await reservations.used(DEFAULT_ACCOUNT)
    assert used.open_notional == used.notional_today
    return used.open_orders, used.notional_today


async def test_an_order_that_is_asked_for_again_with_more_is_reserved_for_with_more(
    ask: Ask, reservations: Reservations
) -> None:
    assert [await ask(1), await ask(99), await ask(50)] == [None, None, None]
    assert await used(reservations) == (1, 99)
    assert await ask(101) == "max_daily_notional"
    assert await used(reservations) == (1, 99)
    assert [await ask(1, order_ids=(TWO,)), await ask(1, order_ids=(THREE,))] == [None, "max_daily_notional"]


@pytest.mark.parametrize("settled", [False, True])
async def test_of_one_order_asked_for_twice_at_once_each_answer_holds(
    ask: Ask, reservations: Reservations, settled: bool
) -> None:
    if settled:
        assert await ask(0, order_ids=(TWO,)) is None
    together = [ask(1), ask(1000), ask(60), ask(2000), ask(2)]
    assert await asyncio.gather(*together) == [None, "max_daily_notional", None, "max_daily_notional", None]
    assert await used(reservations) == (1 + settled, 60)


async def test_lists_of_one_name_and_different_lengths_are_reserved_for_at_the_longest(
    ask: Ask, reservations: Reservations
) -> None:
    assert await ask(60, 0, order_ids=(ONE, TWO)) is None
    assert await ask(10, 70, 0, order_ids=(ONE, TWO, THREE)) == "max_daily_notional"
    assert await ask(10, 40, 0, order_ids=(ONE, TWO, THREE)) is None
    assert await used(reservations) == (3, 100)


async def test_an_order_asked_for_again_long_after_it_did_not_come_is_reserved_for_anew(
    engine: Engine, ask: Ask, reservations: Reservations, database: TestDatabase
) -> None:
    assert await ask(90) is None
    with database.connect() as connection:
        connection.execute("update reservations set reserved_at = reserved_at - interval '11 minutes'")
    assert await ask(90) is None
    assert await used(reservations) == (1, 90)


async def test_a_recorded_order_is_never_refused_to_who_repeats_it(engine: Engine, reservations: Reservations) -> None:
    await limit(engine, maxOpenOrders=3, maxDailyNotional="100")
    order_id = UUID((await engine.http.post(ORDERS, json=LIMIT)).json()["orderId"])
    assert await reservations.reserve(DEFAULT_ACCOUNT, order_id, LIMITS, Decimal(500)) is None
    assert await used(reservations) == (1, 100)
    assert await post(engine) == (429, "notional_exceeded")


async def test_what_two_processes_reserve_of_few_names_is_what_their_largest_are_worth(
    engine: Engine, reservations: Reservations
) -> None:
    others = Reservations(engine.pool)
    asked = [(UUID(int=number % 7), Decimal(1 + number % 13)) for number in range(120)]
    limits = NO_LIMITS.model_copy(update={"max_open_orders": 5, "max_daily_notional": Decimal(50)})
    answers = await asyncio.gather(
        *(
            (reservations, others)[number % 2].reserve(DEFAULT_ACCOUNT, order_id, limits, worth)
            for number, (order_id, worth) in enumerate(asked)
        )
    )
    largest: dict[UUID, Decimal] = {}
    for (order_id, worth), answer in zip(asked, answers, strict=True):
        if answer is None:
            largest[order_id] = max(worth, largest.get(order_id, Decimal(0)))
    assert await used(reservations) == (len(largest), sum(largest.values()))
    assert len(largest) <= 5 and sum(largest.values()) <= 50
