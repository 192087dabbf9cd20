"""An account's rate over several API processes: never more than it, and few questions to Valkey where it is high."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

from redis.asyncio import Redis

from api.rates import Rate, Rates
from tests.integration.embedded import EmbeddedValkey

A_MINUTE = 12_000
LOST = 20


async def hit(rates: Rates, account: UUID, a_minute: int, cost: int = 1) -> Rate:
    """As a client asks that repeats what can't be counted: on a busy machine an answer may take more than a second."""
    async with asyncio.timeout(30):
        while (rate := await rates.hit(account, a_minute, cost)) is None:
            pass
    return rate


async def _scripts_run(valkey: Redis) -> int:
    statistics = await valkey.info("commandstats")
    return int(statistics.get("cmdstat_evalsha", {}).get("calls", 0))


async def test_two_processes_together_take_no_more_than_a_high_rate(valkey: EmbeddedValkey) -> None:
    first, second = Rates(valkey.url, fail_open=False), Rates(valkey.url, fail_open=False)
    account = uuid4()
    taken = 0
    for _ in range(A_MINUTE // 2 + 10):
        for rates in (first, second):
            taken += not (await hit(rates, account, A_MINUTE)).exceeded

    assert A_MINUTE - LOST < taken <= A_MINUTE, "what one took ahead and left for a second is lost, and no more"


async def test_a_high_rate_asks_valkey_once_for_many_orders(valkey: EmbeddedValkey) -> None:
    rates = Rates(valkey.url, fail_open=False)
    account = uuid4()
    async with Redis.from_url(valkey.url) as client:
        before = await _scripts_run(client)
        for _ in range(1_000):
            rate = await rates.hit(account, 600_000)
            assert rate is not None
            assert not rate.exceeded
        asked = await _scripts_run(client) - before

    assert asked < 100
    assert rate.remaining <= 600_000 - 1_000, "what was taken ahead counts as taken"


async def test_orders_that_come_at_once_lose_nothing_that_was_taken_ahead(valkey: EmbeddedValkey) -> None:
    rates = Rates(valkey.url, fail_open=False)
    account = uuid4()
    first = asyncio.create_task(rates.hit(account, 600_000))
    await asyncio.sleep(0.0001)  # it is being asked for
    await asyncio.gather(first, *(rates.hit(account, 600_000) for _ in range(49)))

    another = await Rates(valkey.url, fail_open=False).hit(account, 600_000)

    assert another is not None
    assert another.remaining == 600_000 - 2 * 100, "each process took one lot"


async def test_a_rate_that_people_have_is_counted_order_by_order(valkey: EmbeddedValkey) -> None:
    first, second = Rates(valkey.url, fail_open=False), Rates(valkey.url, fail_open=False)
    account = uuid4()
    answers = [await rates.hit(account, 600) for _ in range(350) for rates in (first, second)]

    assert [answer is not None and not answer.exceeded for answer in answers] == [True] * 600 + [False] * 100


async def test_what_is_sent_together_is_taken_together_or_not_at_all(valkey: EmbeddedValkey) -> None:
    for a_minute in (10, 12_000):
        rates, account = Rates(valkey.url, fail_open=False), uuid4()
        taken = 0
        while True:
            if (await hit(rates, account, a_minute, 3)).exceeded:
                break
            taken += 3
        assert taken == a_minute - a_minute % 3
        after = [await rates.hit(account, a_minute) for _ in range(3)]
        fits = [one is not None and not one.exceeded for one in after]
        assert fits == [n < a_minute % 3 for n in range(3)], "one by one what is left is taken"


async def test_of_lists_that_come_at_once_as_many_as_fit_are_taken_whole(valkey: EmbeddedValkey) -> None:
    rates, account = Rates(valkey.url, fail_open=False), uuid4()
    found = await asyncio.gather(*(rates.hit(account, 10, cost) for cost in (1, 3, 3, 3, 2)))
    assert [one is not None and not one.exceeded for one in found] == [True, True, True, True, False]
