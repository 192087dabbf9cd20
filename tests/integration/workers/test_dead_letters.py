"""`surefill dead-letters` beside the parts of a running engine: typed by an operator, recorded in the log."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from commands.dead_letters import DeadLetters
from commands.ids import DEFAULT_ACCOUNT
from domain.account import DeadLetterDiscarded, DeadLetterRetried, RecordedDeadLetter, dead_letters_stream
from event_store.processors import dead_letters
from projections.orders import PROCESSOR
from tests.integration.conftest import TestDatabase, superuser_url
from tests.integration.embedded import EmbeddedPostgres, EmbeddedValkey
from tests.integration.warm import Warm
from tests.integration.workers.dead_letters import (
    FUTURE,
    add_dead_letter,
    all_dead_letters,
    append_from_the_future,
    due,
    the_dead_letter,
)
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_execution import QUICK, names
from workers.dead_letters import MOST_FAILURES
from workers.execution.executor import Executor

SUREFILL = Path(sys.executable).with_name("surefill")
Surefill = Callable[..., Awaitable["subprocess.CompletedProcess[str]"]]


@pytest.fixture
def environment(database: TestDatabase, valkey: EmbeddedValkey, tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "DATA_DIR": str(tmp_path), "DATABASE_URL": database.app, "REDIS_URL": valkey.url}


@pytest.fixture
def surefill(warm: Warm, environment: dict[str, str], tmp_path: Path) -> Surefill:
    """Type `surefill dead-letters ...`."""

    async def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return await asyncio.to_thread(warm.run, "dead-letters", *arguments, env=environment, cwd=tmp_path)

    return run


async def decided(engine: EngineHarness) -> list[DeadLetterRetried | DeadLetterDiscarded]:
    recorded = await engine.events.load(dead_letters_stream(DEFAULT_ACCOUNT))
    loaded = [engine.orders._mapper.load(event.topic, event.state) for event in recorded]
    return [event for event in loaded if isinstance(event, DeadLetterRetried | DeadLetterDiscarded)]


def repair(postgres: EmbeddedPostgres, database: TestDatabase) -> None:
    with psycopg.connect(superuser_url(postgres, database)) as connection:
        connection.execute("set search_path to surefill_app, surefill")
        connection.execute("alter table events disable trigger all")
        connection.execute("delete from events where topic = %s", [FUTURE])
        connection.execute("alter table events enable always trigger events_are_immutable")


async def test_an_order_is_listed_fails_again_and_goes_on_once_it_is_repaired(
    engine: EngineHarness, surefill: Surefill, postgres: EmbeddedPostgres, database: TestDatabase
) -> None:
    order_id = await engine.submit(deadline=now() + timedelta(minutes=10))
    await append_from_the_future(engine, order_id)
    engine.start_projector()
    engine.start_sweeper()
    engine.start_worker()
    engine.start_tracker(QUICK)
    assert (await the_dead_letter(engine)).processor == "execution"

    listed = await surefill("--json")
    letters = {one["processor"]: one for one in map(json.loads, listed.stdout.splitlines())}
    assert set(letters) == {"execution", PROCESSOR}
    told = letters["execution"]
    assert (told["orderId"], told["processor"], told["version"]) == (str(order_id), "execution", 3)
    assert told["error"] == f"{FUTURE}: UnknownTopicError"
    assert str(order_id) in (await surefill()).stdout

    again = await surefill("retry", str(order_id), "--processor", "execution")
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == f"surefill: set aside again at execution: {FUTURE}: UnknownTopicError\n"
    assert (await the_dead_letter(engine)).attempts >= 2

    repair(postgres, database)
    done = await surefill("retry", str(order_id), "--processor", "execution")
    assert (done.returncode, done.stderr) == (0, ""), done
    assert (await engine.until(order_id, lambda order: order.ended)).status == "confirmed"
    assert await all_dead_letters(engine) == []
    retried = await decided(engine)
    assert [(type(event), event.order_id, event.letters[0].processor) for event in retried] == [
        (DeadLetterRetried, order_id, "execution")
    ] * 2
    assert "@" in retried[0].by
    shown = await surefill("retry", str(order_id))
    assert (shown.returncode, shown.stdout) == (0, f"order {order_id} is up to date in the read model\n")
    none = await surefill("retry", str(order_id))
    assert (none.returncode, none.stderr) == (
        1,
        f"surefill: no_dead_letter: Order {order_id} is not among the dead letters.\n",
    )


async def test_an_order_that_breaks_again_is_a_dead_letter_again_and_the_command_says_so(
    engine: EngineHarness, surefill: Surefill
) -> None:
    order_id = await engine.submit()
    await engine.build(order_id)
    # A defect, with an attempt that no deadline ends.
    visit = engine.executor()._visit
    broken = Executor(replace(visit, recording=replace(visit.recording, chain=None)), engine.work)  # type: ignore[arg-type]
    for _ in range(MOST_FAILURES):
        await engine.execute(order_id, executor=broken)
    assert len(await all_dead_letters(engine)) == 1
    retrying = asyncio.create_task(surefill("retry", str(order_id)))
    async with asyncio.timeout(20):
        while await all_dead_letters(engine):
            await asyncio.sleep(0.02)
    await engine.execute(order_id, executor=broken)
    again = await retrying
    assert (again.returncode, again.stderr) == (1, "surefill: set aside again at execution: AttributeError\n")
    assert len(await all_dead_letters(engine)) == 1


async def test_an_order_with_a_live_attempt_is_never_given_up(engine: EngineHarness, surefill: Surefill) -> None:
    order_id, unreadable = await engine.submit(), await engine.submit()
    for each in (order_id, unreadable):
        await engine.build(each)
        await add_dead_letter(engine, "execution", each)
    await append_from_the_future(engine, unreadable)
    for each in (order_id, unreadable):
        refused = await surefill("discard", str(each), "--because", "it is in the way")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith("surefill: live_attempt: ")
    assert (await engine.order(order_id)).status == "building"
    assert len(await all_dead_letters(engine)) == 2
    assert await decided(engine) == []
    engine.start_tracker(QUICK)
    engine.start_projector()
    # A dead letter of the execution, and its attempt is tracked all the same.
    assert (await engine.until(order_id, lambda order: order.live_attempt is None)).attempts[0].end in (
        "confirmed",
        "expired",
    )


async def test_an_order_is_given_up_once_with_the_reason_kept(engine: EngineHarness, surefill: Surefill) -> None:
    order_id = await engine.submit()
    await engine.route(order_id)
    await add_dead_letter(engine, "execution", order_id)
    unnamed = await surefill("discard", str(order_id))
    assert unnamed.returncode == 2
    done = await surefill("discard", str(order_id), "--because", "its pool is gone")
    assert (done.returncode, done.stdout) == (0, f"order {order_id} is discarded\n")
    history = await engine.history(order_id)
    assert history.order
    assert history.order.failure
    assert (history.order.failure.code, history.order.failure.retryable) == ("discarded", False)
    assert names(history)[-1] == "OrderFailed"
    again = await surefill("discard", str(order_id), "--because", "its pool is gone")
    assert (again.returncode, again.stdout) == (0, f"order {order_id} was discarded before\n")
    [recorded] = await decided(engine)
    assert isinstance(recorded, DeadLetterDiscarded)
    assert (recorded.because, recorded.letters[0].error) == ("its pool is gone", "TypeError")
    async with engine.pool.connection() as connection:
        query = "select count(distinct recorded_at) from events where topic in ('order.OrderFailed', %s)"
        assert await (await connection.execute(query, [DeadLetterDiscarded.TOPIC])).fetchone() == (1,)
    assert await all_dead_letters(engine) == []


@pytest.mark.parametrize("readable", [True, False])
async def test_a_command_that_died_after_its_append_is_repeated_and_recorded_once(
    engine: EngineHarness, surefill: Surefill, readable: bool
) -> None:
    order_id = await engine.submit()
    if not readable:
        await append_damaged(engine, order_id)
    await add_dead_letter(engine, "execution", order_id)
    dead_letter = await the_dead_letter(engine)
    recorded = [RecordedDeadLetter(**{name: getattr(dead_letter, name) for name in RecordedDeadLetter.model_fields})]
    commands = DeadLetters(engine.events, engine.orders._appender, engine.orders._mapper, engine.orders)
    assert await commands.discard(order_id, recorded, "operator@here", "no more") is readable

    done = await surefill("discard", str(order_id), "--because", "no more")
    assert (done.returncode, done.stdout) == (0, f"order {order_id} is discarded\n")
    assert len(await decided(engine)) == 1
    assert await all_dead_letters(engine) == []


async def test_a_discard_killed_at_any_moment_and_repeated_is_recorded_once(
    engine: EngineHarness, surefill: Surefill, environment: dict[str, str]
) -> None:
    orders = [await engine.submit() for _ in range(6)]
    for order_id in orders:
        await add_dead_letter(engine, "execution", order_id)
    codes = []
    for number, order_id in enumerate(orders):
        command = [SUREFILL, "dead-letters", "discard", str(order_id), "--because", "no more"]
        killed = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.DEVNULL)
        # From before it has connected to about when it is done.
        await asyncio.sleep(0.5 + 0.15 * number)
        if killed.returncode is None:
            killed.kill()
        codes.append(await killed.wait())
        assert (await surefill("discard", str(order_id), "--because", "no more")).returncode == 0
    assert -signal.SIGKILL in codes, "none was killed: the test shows nothing"
    assert sorted(event.order_id for event in await decided(engine)) == sorted(orders)
    assert {(await engine.order(order_id)).status for order_id in orders} == {"failed"}
    assert await all_dead_letters(engine) == []


async def append_damaged(engine: EngineHarness, order_id: UUID) -> None:
    """A topic that is known, and a state that isn't to be read."""
    await append_from_the_future(engine, order_id, topic="order.OrderRouted")


async def test_an_order_nobody_can_read_is_given_up_for_good_where_nothing_can_be_live(
    engine: EngineHarness, surefill: Surefill, monkeypatch
) -> None:
    monkeypatch.setattr("workers.dispatch.sweeper.SETTLED_S", 0.0)
    monkeypatch.setattr("workers.dispatch.sweeper.DERIVE_EVERY_S", 0.1)
    unknown, damaged = await engine.submit(), await engine.submit()
    await append_from_the_future(engine, unknown)
    await append_damaged(engine, damaged)
    engine.start_projector()
    engine.start_sweeper()
    engine.start_worker()
    async with asyncio.timeout(20):
        while len(await all_dead_letters(engine)) < 2:
            await asyncio.sleep(0.05)
    refused = await surefill("discard", str(unknown), "--because", "old")
    assert (refused.returncode, FUTURE in refused.stderr) == (1, True)
    done = await surefill("discard", str(damaged), "--because", "old")
    assert done.returncode == 0, done.stderr
    assert [letter.order_id for letter in await all_dead_letters(engine)] == [unknown]
    await asyncio.sleep(1)  # derived and swept again and again
    assert [letter.order_id for letter in await all_dead_letters(engine)] == [unknown]
    assert (await engine.events.load(damaged))[-1].version == 3
    await engine.stop()
    assert await due(engine) == []
    # Discarded is not forgotten: it can be retried, and is a dead letter again.
    again = await surefill("retry", str(damaged))
    assert again.returncode == 1


async def test_a_dead_letter_of_a_read_model_alone_is_no_reason_to_discard_and_is_retried(
    engine: EngineHarness, surefill: Surefill
) -> None:
    async def those_of_the_read_model() -> list[dead_letters.DeadLetter]:
        async with engine.pool.connection() as connection, connection.cursor() as cursor:
            return await dead_letters.list_all(cursor)

    order_id = await engine.submit()
    async with engine.pool.connection() as connection, connection.cursor() as cursor:
        fault = dead_letters.DeadLetterEntry(order_id, 2, 2, "order.OrderTriggered: ValueError")
        await dead_letters.add(cursor, "projector:orders_v1", [fault])
    refused = await surefill("discard", str(order_id), "--because", "no")
    assert refused.stderr.startswith("surefill: read_model_only: ")
    assert "surefill rebuild orders" in refused.stderr
    assert (await engine.order(order_id)).status == "routing"
    assert len(await those_of_the_read_model()) == 1
    done = await surefill("retry", str(order_id))
    assert (done.returncode, done.stderr) == (0, "")
    assert await those_of_the_read_model() == []
