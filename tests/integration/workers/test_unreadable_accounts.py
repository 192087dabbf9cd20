"""What can't be read of one account, as a newer version wrote it or damaged, is that account's alone."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from commands.cancel import request_cancel
from commands.ids import DEFAULT_ACCOUNT
from commands.submit import submit_order
from domain.account import TradingHalted, trading_stream
from domain.deadman import deadman_stream
from domain.deadman_events import DeadmanSet
from domain.directory import account_id_of
from domain.errors import DomainError
from domain.trading_state import ENGINE
from event_store.types import AppendRequest, NewEvent, Stored
from runtime.log_behind import Standing
from tests.golden.runs import price
from tests.integration.workers.harness import EngineHarness, _command
from workers.watcher.book_feed import BookFeed

OTHER = account_id_of("desk")
WAITS = {"type": "limit", "amount_in": 10**8, "limit_price": Decimal(152)}
NEWER = b'{"v":99,"data":{}}'


async def append_newer(engine: EngineHarness, stream_id: UUID, topic: str, account_id: UUID, version: int = 1) -> None:
    command = uuid4()
    event = NewEvent(stream_id, version, uuid4(), topic, NEWER, account_id, command, command, None)
    assert isinstance(await engine.store.orders._appender.append(AppendRequest((event,))), Stored)


async def of_other(engine: EngineHarness) -> UUID:
    return (await submit_order(engine.orders, OTHER, _command(**WAITS))).order_id


async def waiting(feed: BookFeed, orders: int) -> None:
    async with asyncio.timeout(10):
        while len(feed.book) < orders:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("stream_id", "topic", "waits"),
    # By a halt a limit order is triggered, and waits for its visit.
    [(deadman_stream(OTHER), DeadmanSet.TOPIC, "pending"), (trading_stream(OTHER), TradingHalted.TOPIC, "routing")],
    ids=["its switch", "its trading"],
)
@pytest.mark.parametrize("early", [True, False], ids=["before the watcher", "while it watches"])
async def test_the_orders_of_others_are_triggered_and_its_own_wait(
    engine: EngineHarness, stream_id: UUID, topic: str, waits: str, early: bool
) -> None:
    await engine.store.directory.open("desk", None, by="test")
    await engine.store.known_accounts.load()
    engine.start_projector()
    its, mine = await of_other(engine), await engine.submit(**WAITS)
    if early:
        await append_newer(engine, stream_id, topic, OTHER)
    feed = engine.start_watcher()
    await waiting(feed, 2)
    if not early:
        await append_newer(engine, stream_id, topic, OTHER)
        # It is known once what comes after it is.
        await engine.submit(**{**WAITS, "limit_price": Decimal(900)})
        await waiting(feed, 3)
    await price(engine, "160")
    await engine.until(mine, lambda order: order.status != "pending")
    await engine.execute(its, mine)
    assert (await engine.order(mine)).attempts
    its_order = await engine.order(its)
    assert (its_order.status, its_order.attempts) == (waits, ())
    assert [task.get_name() for task in engine.running if task.done()] == []


async def test_nothing_of_it_ends_or_is_resumed_and_the_process_goes_on(engine: EngineHarness) -> None:
    order_id = await engine.submit(**WAITS)
    await append_newer(engine, trading_stream(DEFAULT_ACCOUNT), TradingHalted.TOPIC, DEFAULT_ACCOUNT)
    standing = Standing(lambda: engine.store.trading.of(DEFAULT_ACCOUNT))
    await standing.look()
    trading = await engine.store.trading.of(DEFAULT_ACCOUNT)
    assert (trading.state, trading.unreadable, trading.behind, trading.version) == ("halted", True, True, 1)
    assert trading.why == "the account's trading state can't be read: account.TradingHalted: UnknownTopicError"
    with pytest.raises(DomainError) as refused:
        await request_cancel(engine.orders, engine.store.trading, order_id, by="test", because="a test")
    assert refused.value.code == "account_unreadable"
    with pytest.raises(DomainError) as refused:
        await engine.accounts.resume(DEFAULT_ACCOUNT, "a test")
    assert refused.value.code == "account_unreadable"


async def test_what_is_set_for_all_and_cannot_be_read_is_a_halt(engine: EngineHarness) -> None:
    await append_newer(engine, trading_stream(ENGINE), "account.TradingStateSet", ENGINE)
    trading = await engine.store.trading.of(DEFAULT_ACCOUNT)
    assert (trading.state, trading.behind) == ("halted", False)
    assert trading.why == "halted by the engine: what was set can't be read: account.TradingStateSet: UnknownTopicError"
