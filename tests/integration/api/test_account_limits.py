"""An account's limits, as its clients meet them; exact also where several processes take orders at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from api.rates import Rates
from commands.reservations import Reservations
from domain import commands as c
from domain.codes import Code
from domain.directory import DEFAULT_ACCOUNT
from domain.limits import NO_LIMITS
from tests.integration.api.serving import CONFIG, NO_VALKEY, Engine, running
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedValkey

ORDERS = "/api/orders"
LIMITS = "/api/admin/accounts/default/limits"
# Worth 100 USDC by what it pays: no market has to be asked.
LIMIT = {"tokenIn": "USDC", "tokenOut": "SOL", "amountIn": "100", "type": "limit", "limitPrice": "100"}


async def limit(engine: Engine, *others: Engine, **limits: Any) -> dict[str, Any]:
    """Set them, and return once each API has heard of it."""
    answer = await engine.http.put(LIMITS, json=limits)
    assert answer.status_code == 200, answer.text
    head = await engine.events.head()
    async with asyncio.timeout(10):
        while any(one.feed.position < head for one in (engine, *others)):
            await asyncio.sleep(0.01)
    return dict(answer.json())


async def post(engine: Engine, **changes: Any) -> tuple[int, str | None]:
    answer = await engine.http.post(ORDERS, json={**LIMIT, **changes})
    return answer.status_code, answer.json().get("code")


async def posted(engine: Engine, client_order_id: str) -> tuple[int, str | None]:
    """The answer to one of many posts at once: after any 503 the same is sent again, as a client may."""
    while True:
        answer = await post(engine, clientOrderId=client_order_id)
        if answer[0] != 503:
            return answer


async def used(engine: Engine) -> tuple[int, str]:
    account = (await engine.http.get("/api/account")).json()
    return account["used"]["openOrders"], account["used"]["notionalToday"]


async def test_limits_are_set_one_by_one_lifted_by_null_and_shown(engine: Engine) -> None:
    await limit(engine, maxOrderNotional="1e4", maxOpenOrders=50, pairs=["SOL/USDC", "usdc/sol"])
    now = await limit(engine, maxOpenOrders=None, priceBandBps=500)
    assert now == {
        "maxOrderNotional": "10000", "maxOpenOrders": None, "maxDailyNotional": None, "maxOpenNotional": None,
        "ordersPerMinute": None,
        "pairs": ["SOL/USDC"], "venues": None, "priceBandBps": 500,
    }  # fmt: skip
    assert (await engine.http.get("/api/account")).json()["limits"] == now


async def test_limits_that_are_set_at_the_same_time_are_all_kept(engine: Engine) -> None:
    asked = [{"maxOpenOrders": 50}, {"priceBandBps": 500}, {"maxOrderNotional": "10"}, {"ordersPerMinute": 60}] * 3
    answers = await asyncio.gather(*(engine.http.put(LIMITS, json=one) for one in asked))
    assert {answer.status_code for answer in answers} == {200}
    now = await limit(engine)
    assert {name: now[name] for one in asked for name in one} == {
        name: value for one in asked for name, value in one.items()
    }


@pytest.mark.parametrize(
    "limits",
    [
        {"maxOpenOrders": -1}, {"maxOpenOrders": "5"}, {"maxOpenOrders": 1.5}, {"maxOpenOrders": True},
        {"ordersPerMinute": 0}, {"pairs": ["SOL/DOGE"]}, {"pairs": "SOL/USDC"}, {"pairs": ["SOL"]},
        {"venues": ["Nowhere"]}, {"venues": [7]}, {"priceBandBps": 10**10},
    ],
)  # fmt: skip
async def test_what_is_no_limit_is_refused(engine: Engine, limits: dict[str, Any]) -> None:
    answer = await engine.http.put(LIMITS, json=limits)
    assert (answer.status_code, answer.json()["field"]) == (422, next(iter(limits)))
    assert await engine.events.head() == 0


async def test_an_order_past_a_limit_is_refused_and_leaves_no_trace(engine: Engine) -> None:
    await limit(engine, maxOrderNotional="100", pairs=["SOL/USDC"])
    head = await engine.events.head()
    assert await post(engine, amountIn="100.000001") == (422, "order_too_large")
    assert await post(engine, tokenOut="JUP") == (422, "pair_not_allowed")
    assert await engine.events.head() == head
    assert await post(engine) == (202, None)
    assert await post(engine, tokenIn="SOL", tokenOut="USDC") == (503, "price_unavailable")
    # Where the market has to be asked and can't be, nothing is let through.
    assert await post(engine, tokenIn="SOL", tokenOut="USDC", type="market", limitPrice=None) == (
        503,
        "price_unavailable",
    )


async def test_open_orders_are_counted_until_they_end_also_those_from_before_there_was_a_limit(engine: Engine) -> None:
    engine.project()
    first = await engine.http.post(ORDERS, json=LIMIT)
    position = {"position": first.json()["position"]}
    assert (await engine.http.get(ORDERS, params=position)).status_code == 200
    await limit(engine, maxOpenOrders=2)
    second = await engine.http.post(ORDERS, json={**LIMIT, "clientOrderId": "second"})
    assert second.status_code == 202 and await used(engine) == (2, "0")
    assert await post(engine) == (429, "open_orders_exceeded")
    again = await engine.http.post(ORDERS, json={**LIMIT, "clientOrderId": "second"})
    assert (again.status_code, again.content) == (202, second.content)
    await engine.tell(second.json()["orderId"], c.DiscardOrder(Code.DISCARDED))
    assert await post(engine) == (202, None)
    again = await engine.http.post(ORDERS, json={**LIMIT, "clientOrderId": "second"})
    assert (again.status_code, again.content) == (202, second.content)
    assert await post(engine) == (429, "open_orders_exceeded")


async def test_what_was_taken_while_a_limit_was_lifted_counts_once_it_is_set_again(engine: Engine) -> None:
    engine.project()
    await limit(engine, maxOpenOrders=3)
    assert await post(engine) == (202, None)
    await limit(engine, maxOpenOrders=None)
    last = [(await engine.http.post(ORDERS, json=LIMIT)).json()["position"] for _ in range(2)][-1]
    assert (await engine.http.get(ORDERS, params={"position": last})).status_code == 200
    await limit(engine, maxOpenOrders=3)
    assert await post(engine) == (429, "open_orders_exceeded")


async def test_it_is_by_what_was_counted_before_only_as_long_as_that_errs_upwards(
    engine: Engine, database: TestDatabase
) -> None:
    def counted() -> tuple[Any, ...]:
        with database.connect() as connection:
            [row] = connection.execute("select open_orders, open_notional, notional_today from account_use")
            return tuple(row)

    await limit(engine, maxOpenOrders=3, maxDailyNotional="400")
    ids = [(await engine.http.post(ORDERS, json=LIMIT)).json()["orderId"] for _ in range(3)]
    assert counted() == (3, 300, 300)
    await engine.tell(ids[0], c.DiscardOrder(Code.DISCARDED))
    assert counted() == (3, 300, 300)  # nobody has asked for more since
    assert await post(engine) == (202, None) and counted() == (3, 300, 400)
    assert await post(engine) == (429, "open_orders_exceeded") and counted() == (3, 300, 400)


@pytest.mark.parametrize(
    ("limits", "fits", "code"),
    [
        ({"maxOpenOrders": 50}, 50, "open_orders_exceeded"),
        ({"maxDailyNotional": "5050"}, 50, "notional_exceeded"),
        ({"maxOpenNotional": "5099.99"}, 50, "notional_exceeded"),
    ],
)
async def test_what_two_apis_take_together_is_exactly_what_fits(
    database: TestDatabase, limits: dict[str, Any], fits: int, code: str
) -> None:
    async with AsyncExitStack() as stack:
        apis = [await stack.enter_async_context(running(database.app)) for _ in range(2)]
        await limit(*apis, **limits)
        answers = await asyncio.gather(*(posted(apis[n % 2], f"n-{n}") for n in range(200)))
        assert Counter(answers) == {(202, None): fits, (429, code): 200 - fits}
        assert [await used(api) for api in apis] == [(50, "0" if "maxOpenOrders" in limits else "5000")] * 2


async def test_what_is_open_counts_until_it_ends_and_what_it_is_amended_to(engine: Engine) -> None:
    async def open_now() -> str:
        return str((await engine.http.get("/api/account")).json()["used"]["openNotional"])

    await limit(engine, maxOpenNotional="250")
    first = (await engine.http.post(ORDERS, json=LIMIT)).json()["orderId"]
    second = (await engine.http.post(ORDERS, json=LIMIT)).json()["orderId"]
    assert await open_now() == "200" and await post(engine) == (429, "notional_exceeded")
    amend = [
        await engine.http.patch(f"{ORDERS}/{second}", json={"amountIn": amount}, headers={"If-Match": match})
        for amount, match in (("151", '"1"'), ("150", '"1"'), ("20", '"2"'))
    ]
    assert [answer.status_code for answer in amend] == [429, 200, 200] and amend[0].json()["limit"] == "maxOpenNotional"
    assert await open_now() == "120"
    await engine.tell(first, c.DiscardOrder(Code.DISCARDED))
    assert await open_now() == "20" and await post(engine) == (202, None)


async def test_one_order_sent_many_times_over_two_apis_takes_one_place(database: TestDatabase) -> None:
    async with AsyncExitStack() as stack:
        apis = [await stack.enter_async_context(running(database.app)) for _ in range(2)]
        await limit(*apis, maxOpenOrders=1)
        answers = await asyncio.gather(*(posted(apis[n % 2], "one") for n in range(60)))
        assert set(answers) == {(202, None)} and await used(apis[0]) == (1, "0")


async def test_a_place_whose_order_never_came_is_given_back(engine: Engine, database: TestDatabase) -> None:
    await limit(engine, maxOpenOrders=1)
    limits = NO_LIMITS.model_copy(update={"max_open_orders": 1})
    reservations = Reservations(engine.pool)
    assert await reservations.reserve(DEFAULT_ACCOUNT, UUID(int=7), limits, Decimal(0)) is None
    assert await post(engine) == (429, "open_orders_exceeded")
    with database.connect() as connection:
        connection.execute("update reservations set reserved_at = reserved_at - interval '11 minutes'")
    assert await post(engine) == (202, None)


async def test_rates_are_shared_and_say_what_is_left(database: TestDatabase, valkey: EmbeddedValkey) -> None:
    async with AsyncExitStack() as stack:
        apis = [
            await stack.enter_async_context(running(database.app, rates=Rates(valkey.url, fail_open=True)))
            for _ in range(2)
        ]
        await limit(*apis, ordersPerMinute=5)
        first = await apis[0].http.post(ORDERS, json=LIMIT)
        assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("5", "4")
        answers = [await post(apis[n % 2], clientOrderId=f"r-{n}") for n in range(6)]
        assert answers == [(202, None)] * 4 + [(429, "rate_limited")] * 2
        refused = await apis[0].http.post(ORDERS, json=LIMIT)
        assert 0 < int(refused.headers["retry-after"]) <= 60 and refused.json()["limit"] == "ordersPerMinute"
        assert await post(apis[0], clientOrderId="r-0") == (202, None)


async def test_of_orders_that_come_at_once_over_two_apis_as_many_as_the_rate_allows_are_taken(
    database: TestDatabase, valkey: EmbeddedValkey
) -> None:
    async with AsyncExitStack() as stack:
        apis = [
            await stack.enter_async_context(running(database.app, rates=Rates(valkey.url, fail_open=False)))
            for _ in range(2)
        ]
        await limit(*apis, ordersPerMinute=17)
        found = Counter(await asyncio.gather(*(post(apis[n % 2], clientOrderId=f"at-once-{n}") for n in range(60))))
        # Valkey may have counted what it answered too late.
        uncounted = found.pop((503, "rates_unavailable"), 0)
        assert set(found) <= {(202, None), (429, "rate_limited")}
        assert 17 - uncounted <= found[202, None] <= 17


@pytest.mark.parametrize(("fail_open", "answer"), [(True, (202, None)), (False, (503, "rates_unavailable"))])
async def test_without_valkey_a_setting_says_what_happens(
    database: TestDatabase, fail_open: bool, answer: tuple[int, str | None]
) -> None:
    rates = Rates(NO_VALKEY, fail_open=fail_open)
    async with running(database.app, config=replace(CONFIG), rates=rates) as engine:
        await limit(engine, ordersPerMinute=5)
        assert await post(engine) == answer
        assert rates.problem == "ConnectionError"
        await limit(engine, ordersPerMinute=None)
        assert await post(engine) == (202, None)
