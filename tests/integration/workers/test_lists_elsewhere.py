"""Lists that another engine, or the lost end of a log that was put back, has filled: they are filled here by that."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from commands.accounts import Behind
from commands.ids import DEFAULT_ACCOUNT, list_id
from domain.codes import Code
from domain.legs import LinkedKind, leg_id
from domain.log_behind import ForeignTransactionFound
from domain.tokens import SOL, USDC
from tests.golden.account_runs import foreign
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_foreign_transactions import found_behind, recovered, successes
from tests.integration.workers.test_order_lists import settled, started

LEGS = ({}, {"amount_in": 400_000_000})


@pytest.mark.parametrize("posted_before", [True, False], ids=["known to the log", "posted after"])
async def test_a_list_that_was_filled_elsewhere_is_filled_by_that_and_excludes_the_other_order(
    engine: EngineHarness, other: EngineHarness, posted_before: bool
) -> None:
    started(engine)
    theirs = await engine.submit_list("oco", *LEGS, name="same list")
    orders = await settled(engine, theirs)
    (place,) = [place for place, one in enumerate(orders) if one.fill]
    filled = orders[place].fill
    assert filled is not None
    await engine.stop()
    if posted_before:
        # Of the order that lost there a swap is signed here.
        mine = await other.submit_list("oco", *LEGS, name="same list")
        await other.build(mine.order_ids[1 - place])
    await found_behind(other)
    await recovered(other)

    mine = await other.submit_list("oco", *LEGS, name="same list", executed=True)

    assert mine.order_ids == theirs.order_ids
    order = await other.order(mine.order_ids[place])
    assert order.fill is not None and order.fill.tx_hash == filled.tx_hash
    excluded = await other.order(mine.order_ids[1 - place])
    assert excluded.cancellation and excluded.cancellation.code == Code.OTHER_LEG_FILLED
    # Here, too, it ends, whatever was signed for it; and nothing of the list is ever executed again.
    started(other)
    again = await settled(other, mine)
    assert [one.status for one in again] == [one.status for one in orders]
    await asyncio.sleep(0.5)
    found = await successes(other)
    assert {order_id: len(found.get(order_id, [])) for order_id in mine.order_ids} == {
        mine.order_ids[place]: 1,
        mine.order_ids[1 - place]: 0,
    }


OTO: tuple[dict[str, Any], ...] = (
    {"type": "limit", "limit_price": Decimal(900)},
    {"token_in": USDC, "token_out": SOL, "amount_in": 50_000_000},
)


def of_other_terms(order_id: UUID) -> ForeignTransactionFound:
    """The lost end had amended the first order, to 0.4 SOL."""
    return foreign(order_id, 1, slot=301, paid={SOL.mint: 400_000_000}, received={USDC.mint: 400_000_000})


def second_swap(order_id: UUID) -> ForeignTransactionFound:
    return foreign(order_id, 1, slot=302, paid={USDC.mint: 50_000_000}, received={SOL.mint: 300_000_000})


@pytest.mark.parametrize("posted_before", [True, False], ids=["known to the log", "posted after"])
@pytest.mark.parametrize("first_is_found_first", [True, False])
async def test_the_second_of_an_oto_whose_first_was_executed_by_other_terms_ends_by_its_own_swap(
    engine: EngineHarness, posted_before: bool, first_is_found_first: bool
) -> None:
    """And isn't told to have been cancelled for want of the first."""
    if posted_before:
        await engine.submit_list("oto", *OTO, name="one list")
    first, second = (leg_id(list_id(DEFAULT_ACCOUNT, "one list"), number) for number in (1, 2))
    await engine.accounts.found_behind(DEFAULT_ACCOUNT, Behind("the test", 0))
    found = [of_other_terms(first), second_swap(second)]
    await engine.store.foreign.record(DEFAULT_ACCOUNT, found if first_is_found_first else found[::-1])
    await engine.submit_list("oto", *OTO, name="one list", executed=True)
    orders = [await engine.order(one) for one in (first, second)]
    assert orders[0].failure and orders[0].failure.code == Code.EXECUTED_ELSEWHERE
    assert orders[1].fill is not None, orders[1]
    assert (orders[1].fill.tx_hash, orders[1].fill.amount_out) == (found[1].signature, 300_000_000)
    assert await engine.accounts.contradictions(DEFAULT_ACCOUNT) == []


async def second_of_one_executed_elsewhere(engine: EngineHarness, *following: dict[str, Any]) -> list[UUID]:
    """What follows a first order that was executed elsewhere by other terms, recovered and kept."""
    kind: LinkedKind = "oto" if len(following) == 1 else "otoco"
    first, *held = (await engine.submit_list(kind, OTO[0], *following)).order_ids
    await engine.accounts.found_behind(DEFAULT_ACCOUNT, Behind("the test", 0))
    await engine.store.foreign.record(DEFAULT_ACCOUNT, [of_other_terms(first)])
    await engine.accounts.recover(DEFAULT_ACCOUNT, kept=held, cancelled=[], by="test", because="the test")
    await engine.accounts.resume(DEFAULT_ACCOUNT, "the test")
    assert (await engine.order(first)).ended
    assert all([(await engine.order(one)).is_held for one in held])
    return held


async def test_where_nothing_is_found_of_the_second_it_is_held_until_somebody_cancels_it(engine: EngineHarness) -> None:
    [second] = await second_of_one_executed_elsewhere(engine, OTO[1])
    asked = await engine.cancel(second)
    assert asked.order and asked.order.cancellation
    assert (asked.order.status, asked.order.cancellation.code) == ("cancelled", Code.CANCELLED)


@pytest.mark.parametrize("before", [True, False], ids=["before the watcher began", "while it watches"])
async def test_or_until_its_date_has_come(engine: EngineHarness, before: bool) -> None:
    """As an order that waits for its price; of two that exclude each other both end."""
    ends = now() + timedelta(seconds=1)
    till = {**OTO[1], "type": "limit", "limit_price": Decimal(900), "time_in_force": "gtd", "expires_at": ends}
    gtc = {**OTO[1], "type": "limit", "limit_price": Decimal(900)}
    if not before:
        engine.start_watcher()
    held = await second_of_one_executed_elsewhere(engine, till, gtc)
    if before:
        await asyncio.sleep(max(0.0, (ends - now()).total_seconds()))
        engine.start_watcher()
    expired, other = [await engine.until(one, lambda order: order.ended) for one in held]
    assert expired.cancellation and (expired.status, expired.cancellation.code) == ("cancelled", Code.EXPIRED)
    assert other.cancellation and (other.status, other.cancellation.code) == ("cancelled", Code.OTHER_LEG_ENDED)
    assert now() >= ends
