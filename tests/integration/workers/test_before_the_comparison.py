"""At a start nothing ends before the wallet's history was compared with the log: not by its date, not by the dead-man's
switch, not by a cancel, nor by what the chain doesn't show. Nor does an order get other terms.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from commands.amend import record_amendment
from commands.ids import DEFAULT_ACCOUNT, uuid7
from domain.commands import AmendOrder
from domain.errors import DomainError
from domain.order import Order
from runtime.account_wallets import signer_of
from runtime.compared_histories import ComparedHistories
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_account_wallets import desk, submit, visits_of
from tests.integration.workers.test_deadman import arm
from tests.integration.workers.test_execution import QUICK
from tests.integration.workers.test_foreign_transactions import compared, executed, found_behind, recovered
from workers.execution.executor import Executor

FAR: dict[str, Any] = {"type": "limit", "limit_price": Decimal(900)}


async def waits(engine: EngineHarness, name: str, seconds: float = 600) -> UUID:
    expires_at = now() + timedelta(seconds=seconds)
    return await engine.submit(client_order_id=name, time_in_force="gtd", expires_at=expires_at, **FAR)


async def begin(engine: EngineHarness) -> None:
    """As a process does."""
    engine.store.trading.compared = await ComparedHistories.since_now(engine.store)


async def switch(engine: EngineHarness) -> str:
    return (await engine.store.deadman.of(DEFAULT_ACCOUNT)).state


async def test_what_was_executed_in_the_lost_end_is_neither_expired_nor_cancelled(
    engine: EngineHarness, other: EngineHarness
) -> None:
    names = ("expires", "is cancelled", "is held by a switch")
    mine = [await waits(other, name, 0.5 if name == "expires" else 600) for name in names]
    await arm(other, 0.5)
    for name in names:
        await executed(engine, name)
    await begin(other)
    other.start_projector()
    other.start_watcher()
    with pytest.raises(DomainError) as refused:
        await other.cancel(mine[1])
    assert refused.value.code == "history_not_compared"
    await asyncio.sleep(1.5)
    assert [(await other.order(one)).status for one in mine] == ["pending"] * 3
    assert await switch(other) == "armed"
    await found_behind(other)
    await recovered(other)
    orders = [await other.order(one) for one in mine]
    # It was executed, and with other terms: the first engine's orders were market orders.
    assert [one.failure and one.failure.code for one in orders] == ["executed_elsewhere"] * 3
    assert await other.accounts.contradictions(DEFAULT_ACCOUNT) == []


async def test_what_was_executed_in_the_lost_end_gets_no_other_terms(
    engine: EngineHarness, other: EngineHarness
) -> None:
    """By these the chain's swap wouldn't be the order's: it would be told to have failed."""
    terms = {"type": "limit", "limit_price": Decimal(100), "client_order_id": "one"}
    mine = await other.submit(**terms)
    assert await engine.submit(**terms) == mine
    for start in (engine.start_projector, engine.start_sweeper, engine.start_worker, engine.start_watcher):
        start()
    engine.start_tracker(QUICK)
    swapped = await engine.until(mine, lambda order: order.status == "confirmed")
    await engine.stop()
    await begin(other)
    with pytest.raises(DomainError) as refused:
        await amend(other, mine)
    assert refused.value.code == "history_not_compared"
    await found_behind(other)
    await recovered(other)
    order = await other.order(mine)
    assert order.fill and swapped.fill, order
    assert (order.status, order.fill.tx_hash) == ("confirmed", swapped.fill.tx_hash)
    assert (order.fill.amount_in, order.fill.amount_out) == (swapped.fill.amount_in, swapped.fill.amount_out)


async def amend(engine: EngineHarness, order_id: UUID) -> None:
    command = AmendOrder(now(), limit_price=Decimal(950))
    history = await engine.history(order_id)
    after = await record_amendment(engine.orders, engine.store.trading, history, command, uuid7())
    assert after and after.order and after.order.limit_price == 950


async def test_where_the_log_lacks_nothing_all_of_it_ends_once_that_is_known(engine: EngineHarness) -> None:
    expires, cancelled, switched = [await waits(engine, name, s) for name, s in (("a", 0.3), ("b", 600), ("c", 600))]
    await begin(engine)
    engine.start_projector()
    engine.start_watcher()
    await asyncio.sleep(1)
    assert not (await engine.order(expires)).ended
    await compared(engine)
    await engine.until(expires, ended)
    asked = await engine.cancel(cancelled)
    assert asked.order and asked.order.status == "cancelled"
    await arm(engine, 0)
    assert (await engine.until(switched, ended)).status == "cancelled"


async def test_an_order_on_paper_one_that_is_new_and_one_on_its_way_wait_for_nothing(engine: EngineHarness) -> None:
    """A cancel of what is on its way ends nothing: whether its swap landed is for the chain to say."""
    live = await engine.submit(client_order_id="live")
    await engine.build(live)
    paper = await engine.submit(paper=True, client_order_id="paper", **FAR)
    await begin(engine)
    fresh, named = await engine.submit(**FAR), await engine.submit(client_order_id="named", **FAR)
    for one in (paper, fresh):
        await amend(engine, one)
        asked = await engine.cancel(one)
        assert asked.order and asked.order.status == "cancelled"
    asked = await engine.cancel(live)
    assert asked.order and asked.order.cancellation and not asked.order.ended
    for change in (engine.cancel, partial(amend, engine)):
        with pytest.raises(DomainError) as refused:
            await change(named)
        assert refused.value.code == "history_not_compared"


class Comparison:
    """That of every account but one is done."""

    head = 0

    def __init__(self, missing: UUID) -> None:
        self.missing: UUID | None = missing

    async def of(self, account_id: UUID) -> bool:
        return account_id != self.missing


async def test_the_tracker_ends_nothing_of_an_account_before_its_own_wallet_was_compared(engine: EngineHarness) -> None:
    account = await desk(engine)
    executor = Executor(visits_of(engine, account, signer_of(engine.settings, account)), engine.store.work)
    order_id = await submit(engine, account.account_id, seconds=3)
    await executor.take([order_id])
    await executor.settled()
    engine.store.trading.compared = comparison = Comparison(account.account_id)
    engine.start_tracker(QUICK)
    await asyncio.sleep(3)
    assert not (await engine.order(order_id)).ended
    comparison.missing = None
    assert (await engine.until(order_id, ended)).status == "confirmed"


def ended(order: Order) -> bool:
    return order.ended
