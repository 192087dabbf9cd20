"""The work table's own rules, in the database that keeps them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from tests.integration.workers.dead_letters import add_dead_letter, due
from tests.integration.workers.harness import EngineHarness
from workers.dispatch.work import EXECUTION, LONGEST_WAIT, SETBACK


async def test_what_fails_again_and_again_is_postponed_for_longer_each_time_up_to_the_longest(engine: EngineHarness):
    order_id = await engine.submit()
    async with engine.pool.connection() as connection:
        await connection.execute(
            "insert into work (order_id, stage, version, due_at, tries) values (%s, 'execute', 2, now(), 0)", [order_id]
        )
    waits: list[float] = []
    for _ in range(len(SETBACK.waits()) + 1):
        await engine.work.postpone(order_id, 2)
        async with engine.pool.connection() as connection:
            cursor = await connection.execute("select due_at - clock_timestamp() from work where stage = 'execute'")
            [wait] = await cursor.fetchone() or ()
        assert isinstance(wait, timedelta)
        waits.append(wait.total_seconds())
    # The database's clock goes on between the two statements.
    assert waits == pytest.approx([0.25, 0.5, 1, 2, 4, 5, 5], abs=0.1)


async def write_row(engine: EngineHarness, due_in: timedelta, order_id: UUID | None = None) -> UUID:
    order_id = order_id or uuid4()
    async with engine.pool.connection() as connection:
        await connection.execute(
            "insert into work (order_id, stage, version, due_at) values (%s, 'execute', 2, clock_timestamp() + %s)",
            [order_id, due_in],
        )
    return order_id


@pytest.mark.parametrize("overdue_ms", [0, 5_000])
async def test_what_is_due_later_than_any_back_off_could_put_it_is_due(engine: EngineHarness, overdue_ms: int) -> None:
    await write_row(engine, LONGEST_WAIT)
    ahead = await write_row(engine, timedelta(hours=1))
    assert await engine.work.take_due(10, overdue_ms=overdue_ms) == [ahead]
    # It is then due as any other.
    assert await engine.work.take_due(10, overdue_ms=overdue_ms) == []


async def test_nobody_waits_for_what_is_due_only_because_the_clock_stepped_back(engine: EngineHarness) -> None:
    assert await engine.work.next_due() is None
    await write_row(engine, timedelta(hours=1))
    assert await engine.work.next_due() == pytest.approx(0, abs=0.1)


async def test_what_is_uncertain_is_looked_at_again_though_the_clock_stepped_back(engine: EngineHarness) -> None:
    order_id = uuid4()
    await engine.work.record_uncertainty(order_id, 1, "no node answers", permanent=False)
    async with engine.pool.connection() as connection:
        await connection.execute(
            "update uncertainties set since = since + interval '1 hour', checked_at = checked_at + interval '1 hour'"
        )
        await engine.work.record_uncertainty(order_id, 1, "no node answers", permanent=False)
        cursor = await connection.execute("select checked_at <= clock_timestamp() from uncertainties")
        assert await cursor.fetchone() == (True,)
    assert await engine.work.unknown() == (1, 0.0)


async def test_what_is_newly_said_of_an_attempt_takes_the_place_of_what_was_said_before(engine: EngineHarness):
    order_id = await engine.submit()
    said = "select reason, permanent, since from uncertainties"
    await engine.work.record_uncertainty(order_id, 1, "the node is unreachable", permanent=False)
    async with engine.pool.connection() as connection:
        [(_, _, since)] = await (await connection.execute(said)).fetchall()
    await engine.work.record_uncertainty(order_id, 1, "its blocks are gone", permanent=True)
    async with engine.pool.connection() as connection:
        assert await (await connection.execute(said)).fetchall() == [("its blocks are gone", True, since)]


async def test_a_dead_letter_of_the_execution_is_not_what_is_due_next(engine: EngineHarness) -> None:
    order_id = await write_row(engine, timedelta(0))
    await add_dead_letter(engine, "tracker", order_id)
    # What the tracker can't do for an order keeps nobody from executing it.
    assert (await engine.work.next_due() or 1.0) <= 0
    await add_dead_letter(engine, EXECUTION, order_id)
    assert await engine.work.next_due() is None
    await write_row(engine, timedelta(seconds=2))
    assert await engine.work.next_due() == pytest.approx(2, abs=0.5)


async def test_what_the_execution_is_done_with_does_not_come_due_again(engine: EngineHarness) -> None:
    # Its row is one of a visit that another has overtaken.
    sent = await engine.submit()
    await engine.execute(sent)
    await write_row(engine, timedelta(0), sent)

    await engine.execute(sent)

    assert await due(engine) == []
    assert await engine.work.next_due() is None


async def test_only_the_executions_row_goes_and_only_as_of_the_version_that_was_looked_at(
    engine: EngineHarness,
) -> None:
    order_id, moved_on = await write_row(engine, timedelta(0)), await write_row(engine, timedelta(0))
    async with engine.pool.connection() as connection:
        await connection.execute("insert into work select order_id, 'track', version, due_at, tries from work")
    await engine.work.finish(order_id, 2)
    await engine.work.finish(moved_on, 1)
    async with engine.pool.connection() as connection:
        rows = await (await connection.execute("select order_id, stage from work")).fetchall()
    assert set(rows) == {(order_id, "track"), (moved_on, "track"), (moved_on, "execute")}
