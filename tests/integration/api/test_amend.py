"""Amendments as clients meet them: at the version they have seen, or not at all; and what they take of the limits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from commands.amended_reservations import AmendedReservation, AmendedReservations
from domain import commands as c
from domain.directory import DEFAULT_ACCOUNT
from domain.limits import Limits
from domain.order import Order
from tests.integration.api.serving import Engine
from tests.integration.api.test_account_limits import LIMIT as WORTH_100
from tests.integration.api.test_account_limits import limit, used
from tests.unit.domain.test_triggers import saw

LIMIT = {"type": "limit", "limitPrice": "500"}
STOP = {"type": "stop-limit", "stopPrice": "140", "limitPrice": "139"}


async def amend(engine: Engine, order_id: str, seen: str | None = '"1"', **asked: Any) -> tuple[int, dict[str, Any]]:
    headers = {} if seen is None else {"If-Match": seen}
    answer = await engine.http.patch(f"/api/orders/{order_id}", json=asked, headers=headers)
    if answer.status_code == 200:
        assert answer.headers["etag"] == f'"{answer.json()["version"]}"'  # an amendment is no moved trail
    return answer.status_code, answer.json()


async def order(engine: Engine, order_id: str) -> Order:
    found = (await engine.orders.load([UUID(order_id)])).orders[UUID(order_id)].order
    assert found is not None
    return found


async def test_whatever_is_given_changes_in_one_event_and_the_rest_stays(engine: Engine) -> None:
    engine.project()
    order_id = (await engine.submit(**STOP))["orderId"]
    status, shown = await amend(engine, order_id, amountIn="2", limitPrice=138.5, stopPrice="139.5", slippageBps=7)
    assert (status, shown["version"], shown["status"]) == (200, 2, "pending")
    assert (shown["amountIn"], shown["limitPrice"], shown["stopPrice"], shown["slippageBps"]) == (
        *("2", "138.5", "139.5"),
        7,
    )
    assert await amend(engine, order_id, '"2"', amountIn="2") == (200, shown)
    status, shown = await amend(engine, order_id, '"2"', amountIn="1.5")
    assert (shown["version"], shown["amountIn"], shown["limitPrice"]) == (3, "1.5", "138.5")
    story = (await engine.http.get(f"/api/orders/{order_id}/events")).json()["items"]
    assert [(one["type"], one["data"].get("keepsPlace")) for one in story[1:]] == [
        ("OrderAmended", False),
        ("OrderAmended", True),
    ]
    position = story[-1]["position"]
    listed = (await engine.http.get("/api/orders", params={"position": position})).json()["items"]
    assert (listed[0]["amountIn"], listed[0]["version"]) == ("1.5", 3)
    before = (await engine.http.get(f"/api/orders/{order_id}", params={"version": 1})).json()
    assert (before["amountIn"], before["limitPrice"]) == ("1.5", "139")


async def test_a_stale_version_changes_nothing_and_says_what_there_is(engine: Engine) -> None:
    order_id = (await engine.submit(**LIMIT))["orderId"]
    assert (await amend(engine, order_id, limitPrice="501"))[0] == 200
    status, problem = await amend(engine, order_id, limitPrice="502")
    assert (status, problem["code"], problem["version"]) == (412, "version_conflict", 2)
    assert (await order(engine, order_id)).limit_price == Decimal(501)


async def test_of_many_at_one_version_one_is_recorded(engine: Engine) -> None:
    order_id = (await engine.submit(**LIMIT))["orderId"]
    answers = await asyncio.gather(*(amend(engine, order_id, limitPrice=str(501 + number)) for number in range(10)))
    won = [shown for status, shown in answers if status == 200]
    assert len(won) == 1 and [status for status, _ in answers].count(412) == 9
    assert (await order(engine, order_id)).limit_price == Decimal(won[0]["limitPrice"])


async def test_an_order_that_does_not_wait_is_not_amendable_whatever_version_is_named(engine: Engine) -> None:
    cancelled, triggered = (await engine.submit(**LIMIT))["orderId"], (await engine.submit(**LIMIT))["orderId"]
    market = (await engine.submit())["orderId"]
    await engine.tell(cancelled, c.RequestCancel())
    await engine.tell(triggered, saw("501"))
    for order_id in (cancelled, triggered, market):
        for seen in ('"1"', '"2"', '"3"'):
            status, problem = await amend(engine, order_id, seen, amountIn="1")
            assert (status, problem["code"]) == (409, "not_amendable")


async def test_terms_that_are_met_are_no_error(engine: Engine) -> None:
    order_id = (await engine.submit(**LIMIT))["orderId"]
    await engine.tell(order_id, saw("150"))
    assert (await amend(engine, order_id, limitPrice="140"))[0] == 200
    await engine.tell(order_id, saw("150"))
    assert (await order(engine, order_id)).status == "routing"


@pytest.mark.parametrize(
    ("seen", "asked", "status", "code"),
    [
        (None, {"amountIn": "1"}, 428, "precondition_required"), ("1", {"amountIn": "1"}, 422, "invalid_precondition"),
        ("*", {"amountIn": "1"}, 422, "invalid_precondition"),
        ('W/"1"', {"amountIn": "1"}, 422, "invalid_precondition"),
        ('"01"', {"amountIn": "1"}, 422, "invalid_precondition"),
        ('"1", "2"', {"amountIn": "1"}, 422, "invalid_precondition"), ('"1"', {}, 422, "missing_field"),
        ('"1"', {"amountIn": None}, 422, "missing_field"), ('"1"', {"amountIn": "0"}, 422, "amount_not_positive"),
        ('"1"', {"amountIn": "1e-10"}, 422, "too_many_decimals"), ('"1"', {"limitPrice": "x"}, 422, "invalid_price"),
        ('"1"', {"stopPrice": "1"}, 422, "price_not_allowed"),
        ('"1"', {"slippageBps": 10_001}, 422, "slippage_out_of_range"),
        ('"1"', {"tokenIn": "BONK"}, 422, "unknown_field"), ('"1"', {"limitPrice": "1e30"}, 422, "limit_out_of_reach"),
    ],
)  # fmt: skip
async def test_an_odd_request_amends_nothing(
    engine: Engine, seen: str | None, asked: dict[str, Any], status: int, code: str
) -> None:
    order_id = (await engine.submit(**LIMIT))["orderId"]
    found, problem = await amend(engine, order_id, seen, **asked)
    assert (found, problem["code"]) == (status, code)
    assert await engine.events.head() == 1


async def test_nobody_elses_order_and_none_that_never_was(engine: Engine) -> None:
    status, problem = await amend(engine, str(uuid4()), amountIn="1")
    assert (status, problem["code"]) == (404, "order_not_found")


async def test_while_an_operator_has_halted_trading_only_less_is_taken(engine: Engine) -> None:
    order_id = (await engine.submit(**LIMIT))["orderId"]
    halt = {"scope": "engine", "state": "halted", "because": "the test"}
    assert (await engine.http.put("/api/admin/trading-state", json=halt)).status_code == 200
    assert (await amend(engine, order_id, amountIn="2"))[1]["code"] == "trading_halted"
    assert (await amend(engine, order_id, amountIn="1"))[0] == 200


async def test_what_it_takes_of_the_limits_is_exact(engine: Engine) -> None:
    await limit(engine, maxDailyNotional="300", maxOrderNotional="250")
    order_id = (await engine.submit(**WORTH_100))["orderId"]
    other = (await engine.submit(**WORTH_100))["orderId"]
    assert await used(engine) == (2, "200")
    assert (await amend(engine, order_id, amountIn="251"))[1]["code"] == "order_too_large"
    assert (await amend(engine, order_id, amountIn="200.000001"))[1]["code"] == "notional_exceeded"
    assert await used(engine) == (2, "200")
    assert (await amend(engine, order_id, amountIn="200"))[0] == 200
    assert await used(engine) == (2, "300")
    assert (await amend(engine, other, amountIn="40"))[0] == 200
    assert await used(engine) == (2, "240")
    assert (await amend(engine, order_id, amountIn="150"))[1]["code"] == "version_conflict"
    assert await used(engine) == (2, "240")


async def test_many_at_once_never_exceed_a_limit(engine: Engine) -> None:
    await limit(engine, maxDailyNotional="1500")
    ids = [(await engine.submit(**WORTH_100))["orderId"] for _ in range(10)]
    answers = await asyncio.gather(*(amend(engine, order_id, amountIn="200") for order_id in ids))
    assert sorted(status for status, _ in answers) == [200] * 5 + [429] * 5
    assert await used(engine) == (10, "1500")


@pytest.mark.parametrize("recorded", [True, False])
async def test_a_process_that_died_between_reserving_and_recording_is_settled_by_the_log(
    engine: Engine, recorded: bool
) -> None:
    await limit(engine, maxDailyNotional="1000")
    order_id = UUID((await engine.submit(**WORTH_100))["orderId"])
    history = (await engine.orders.load([order_id])).orders[order_id]
    asked = AmendedReservation(uuid4(), order_id, DEFAULT_ACCOUNT, 2, Decimal(400), falls=False)
    limits = Limits(max_daily_notional=Decimal(1000))
    assert await AmendedReservations(engine.pool).reserve(asked, limits) is None
    assert await used(engine) == (1, "400")
    if recorded:
        command = c.AmendOrder(datetime.now(UTC), amount_in=400_000_000)
        await engine.orders.execute(history, command, command_id=asked.command_id)
        assert await used(engine) == (1, "400")
    else:
        await engine.tell(str(order_id), c.RequestCancel())
        assert await used(engine) == (0, "100")


async def test_a_rise_on_a_later_day_counts_to_that_day(engine: Engine) -> None:
    await limit(engine, maxDailyNotional="300")
    order_id = (await engine.submit(**WORTH_100))["orderId"]
    async with engine.pool.connection() as connection:
        await connection.execute("update reservations set reserved_at = reserved_at - interval '1 day'")
    assert await used(engine) == (1, "0")
    assert (await amend(engine, order_id, amountIn="50"))[0] == 200
    assert await used(engine) == (1, "0")
    assert (await amend(engine, order_id, '"2"', amountIn="301"))[1]["code"] == "notional_exceeded"
    assert (await amend(engine, order_id, '"2"', amountIn="300"))[0] == 200
    assert await used(engine) == (1, "300")


async def test_the_end_of_a_gtd_order_changes_and_of_no_other(engine: Engine) -> None:
    later, past = "2100-01-01T00:00:00.000Z", "2020-01-01T00:00:00Z"
    good_till = (await engine.submit(**LIMIT, timeInForce="gtd", expiresAt="2099-01-01T00:00:00Z"))["orderId"]
    status, shown = await amend(engine, good_till, expiresAt=later)
    assert (status, shown["expiresAt"]) == (200, later)
    plain = (await engine.submit(**LIMIT))["orderId"]
    for order_id, seen, value, code in (
        (good_till, '"2"', past, "expires_at_passed"),
        (good_till, '"2"', "soon", "invalid_expiry"),
        (plain, '"1"', later, "expires_at_not_allowed"),
    ):
        status, problem = await amend(engine, order_id, seen, expiresAt=value)
        assert (status, problem["code"], problem["field"]) == (422, code, "expiresAt")
    assert (await order(engine, good_till)).expires_at == datetime(2100, 1, 1, tzinfo=UTC)


async def test_an_order_that_has_expired_is_not_amendable_though_nobody_has_swept_it(engine: Engine) -> None:
    soon = (datetime.now(UTC) + timedelta(seconds=0.7)).isoformat()
    order_id = (await engine.submit(**LIMIT, timeInForce="gtd", expiresAt=soon))["orderId"]
    await asyncio.sleep(0.8)
    for asked in ({"amountIn": "1"}, {"expiresAt": "2099-01-01T00:00:00Z"}):
        status, problem = await amend(engine, order_id, **asked)
        assert (status, problem["code"]) == (409, "not_amendable")
    assert await engine.events.head() == 1


async def test_while_only_its_trail_moves_its_etag_stays_and_an_amendment_by_it_holds(engine: Engine) -> None:
    order_id = (await engine.submit(type="trailing-stop", trailBps=500))["orderId"]
    for touch in ("150", "151", "152"):
        await engine.tell(order_id, saw(touch))
    shown = await engine.http.get(f"/api/orders/{order_id}")
    assert (shown.headers["etag"], shown.json()["version"], shown.json()["bestPrice"]) == ('"1"', 4, "152")
    assert (await amend(engine, order_id, '"5"', amountIn="1"))[1]["code"] == "version_conflict"
    assert (await amend(engine, order_id, '"1"', amountIn="1"))[0] == 200
    await engine.tell(order_id, saw("153"))
    assert (await engine.http.get(f"/api/orders/{order_id}")).headers["etag"] == '"5"'
    for seen in ('"1"', '"4"'):
        status, problem = await amend(engine, order_id, seen, amountIn="0.9")
        assert (status, problem["code"], problem["version"]) == (412, "version_conflict", 5)
    assert (await amend(engine, order_id, '"6"', amountIn="0.9"))[0] == 200
