"""A process that remembers an order reads what another has made of it since, and knows the same as one that is new."""

from __future__ import annotations

from uuid import uuid4

import pytest
from msgspec.structs import replace

from commands.orders import OrderRepository
from domain.codes import Code
from domain.commands import GiveUp
from domain.errors import NotApplicableError
from domain.events import OrderSubmitted, TrailMoved
from tests.integration.workers.dead_letters import append_from_the_future
from tests.integration.workers.harness import EngineHarness, now
from tests.unit.domain.test_triggers import saw


async def test_what_others_wrote_since_is_read_and_makes_the_same_history(engine: EngineHarness) -> None:
    order_id = await engine.submit()
    remembers, anew = (
        OrderRepository(engine.events, engine.orders._appender, engine.orders._mapper, recent=recent)
        for recent in (10, 0)
    )
    first = (await remembers.load([order_id])).orders[order_id]
    await engine.execute(order_id)
    later = (await remembers.load([order_id])).orders[order_id]
    assert (first.version, later.version) == (2, 5)
    assert later == (await anew.load([order_id])).orders[order_id]
    assert (await remembers.load([order_id])).orders[order_id] is later


async def test_a_history_that_is_no_longer_the_logs_is_read_anew(engine: EngineHarness) -> None:
    order_id = await engine.submit()
    remembers = OrderRepository(engine.events, engine.orders._appender, engine.orders._mapper, recent=10)
    known = (await remembers.load([order_id])).orders[order_id]
    # As after a backup that was restored: the log's second event is another.
    remembers._recent.keep(replace(known, version=3, last_event_id=uuid4(), first_position=99))
    await engine.build(order_id)
    assert (await engine.history(order_id)).version == 4
    anew = (await remembers.load([order_id])).orders[order_id]
    assert anew == await engine.history(order_id)


async def test_a_conflict_makes_it_forget(engine: EngineHarness) -> None:
    order_id = await engine.submit()
    remembers = OrderRepository(engine.events, engine.orders._appender, engine.orders._mapper, recent=10)
    known = (await remembers.load([order_id])).orders[order_id]
    ahead = replace(known, version=9)
    remembers._recent.keep(ahead)
    assert (await remembers.load([order_id])).orders[order_id] is ahead
    failed = GiveUp(Code.NO_VENUE, "None.", now())
    with pytest.raises(NotApplicableError):
        await remembers.execute(ahead, failed, decide_again=False)
    assert (await remembers.load([order_id])).orders[order_id] == known


async def test_an_order_that_can_no_longer_be_read_is_not_answered_from_memory(engine: EngineHarness) -> None:
    order_id = await engine.submit()
    assert order_id in (await engine.orders.load([order_id])).orders
    await append_from_the_future(engine, order_id)
    for _ in range(2):
        loaded = await engine.orders.load([order_id])
        assert (list(loaded.orders), list(loaded.unreadable)) == ([], [order_id])


async def test_what_was_remembered_of_a_lost_log_is_not_gone_on_with(engine: EngineHarness) -> None:
    order_id = await engine.submit()
    remembers = OrderRepository(engine.events, engine.orders._appender, engine.orders._mapper, recent=10)
    known = (await remembers.load([order_id])).orders[order_id]
    # As after a backup that was put back: the version is the log's, its last event another than is remembered.
    of_a_lost_log = replace(known, last_event_id=uuid4())
    failed = GiveUp(Code.NO_VENUE, "None.", now())
    with pytest.raises(NotApplicableError):
        await remembers.execute(of_a_lost_log, failed, decide_again=False)
    assert (await engine.history(order_id)).version == known.version
    await remembers.execute(known, failed, decide_again=False)
    assert (await engine.history(order_id)).version == known.version + 1


async def test_a_trail_that_moves_is_remembered_by_its_newest_move_by_who_records_it_and_who_reads_it(
    engine: EngineHarness,
) -> None:
    order_id = await engine.submit(type="trailing-stop", trail_bps=500)
    recording, anew = (
        OrderRepository(engine.events, engine.orders._appender, engine.orders._mapper, recent=recent)
        for recent in (10, 0)
    )
    known = (await recording.load([order_id])).orders[order_id]
    for touch in ("150", "151", "152"):
        known = await recording.execute(known, saw(touch))
    assert (known.version, known.revision) == (4, 1)
    assert [type(event) for event in known.events] == [OrderSubmitted, TrailMoved]
    assert known == (await anew.load([order_id])).orders[order_id] == await engine.history(order_id)
