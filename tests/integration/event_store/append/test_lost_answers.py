"""What an appender says when the answer to a statement does not arrive."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import psycopg
import pytest

from event_store.append.appender import Appender
from event_store.errors import LogUnavailableError, OutcomeUnknownError
from event_store.read.log import Log
from event_store.types import AlreadyStored, Conflict, Stored
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedPostgres
from tests.integration.event_store.requests import event, request, until
from tests.integration.wire import Wire


@pytest.fixture
async def wire(postgres: EmbeddedPostgres) -> AsyncIterator[Wire]:
    async with Wire(postgres.port).open() as wire:
        yield wire


@pytest.fixture
async def far_appender(wire: Wire, database: TestDatabase) -> AsyncIterator[Appender]:
    appender = Appender(wire.to(database.app), outcome_patience=1.5)
    await appender.start()
    yield appender
    await appender.stop()


async def test_an_answer_lost_after_the_commit_is_found_again_by_the_event_ids(
    far_appender: Appender, wire: Wire, log: Log
) -> None:
    stream = uuid4()
    assert await far_appender.append(request(event(stream))) == Stored(1)

    wire.lose_answers = 1
    outcomes = await asyncio.gather(
        far_appender.append(request(event(stream, 2))),
        far_appender.append(request(event(uuid4()), event(uuid4()))),
    )

    assert outcomes == [AlreadyStored(2), AlreadyStored(4)]
    assert await log.head() == 4


async def test_what_was_stored_by_a_send_whose_answer_was_lost_is_passed_on_as_appended(
    wire: Wire, database: TestDatabase
) -> None:
    stored: list[int] = []
    appended: list[UUID] = []
    appender = Appender(
        wire.to(database.app),
        stored=lambda own: stored.extend(one.position for one in own),
        appended=lambda own: appended.extend(one.event_id for one in own),
    )
    await appender.start()
    first, second = event(uuid4()), event(uuid4())
    try:
        assert await appender.append(request(first)) == Stored(1)
        wire.lose_answers = 1
        assert await appender.append(request(second)) == AlreadyStored(2)
        assert await appender.append(request(event(first.stream_id))) == Conflict(first.stream_id, 1)
    finally:
        await appender.stop()
    # Of the second nobody here knows when it was recorded; that it is in the log is known.
    assert stored == [1]
    assert appended == [first.event_id, second.event_id]


async def test_an_answer_lost_again_and_again_within_patience_is_still_found(
    far_appender: Appender, wire: Wire, log: Log
) -> None:
    await far_appender.append(request(event(uuid4())))

    wire.lose_answers = 4

    assert await far_appender.append(request(event(uuid4()))) == AlreadyStored(2)
    assert await log.head() == 2


async def test_past_patience_the_outcome_is_unknown_and_the_same_event_ids_may_ask_later(
    far_appender: Appender, wire: Wire, log: Log
) -> None:
    stream = uuid4()
    await far_appender.append(request(event(uuid4())))
    sent = request(event(stream))

    wire.lose_answers = 1000
    with pytest.raises(OutcomeUnknownError):
        await far_appender.append(sent)
    wire.lose_answers = 0

    assert await far_appender.append(sent) == AlreadyStored(2)
    assert await far_appender.append(request(event(stream))) == Conflict(stream, 1)


async def test_a_backend_killed_while_idle_costs_nobody_anything(
    far_appender: Appender, database: TestDatabase, log: Log
) -> None:
    await far_appender.append(request(event(uuid4())))

    with database.connect() as connection:
        kill = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'surefill append'"
        assert connection.execute(f"{kill} and datname = current_database()").fetchall() == [(True,)]

    assert await far_appender.append(request(event(uuid4()))) in (Stored(2), AlreadyStored(2))
    assert await log.head() == 2


async def test_a_backend_killed_under_the_statement_leaves_one_outcome(
    far_appender: Appender, database: TestDatabase, log: Log
) -> None:
    await far_appender.append(request(event(uuid4())))
    waiting_backend = (
        "select pid from pg_stat_activity where datname = current_database()"
        " and application_name = 'surefill append' and wait_event_type = 'Lock'"
    )
    with database.connect(as_owner=True) as holder, database.connect() as other:
        with holder.transaction():
            holder.execute("select from log_head for update")
            outcome = asyncio.ensure_future(far_appender.append(request(event(uuid4()))))
            await until(lambda: other.execute(waiting_backend).fetchone())
            other.execute(f"select pg_terminate_backend(pid) from ({waiting_backend}) as w")
        assert await outcome == Stored(2)
    assert await log.head() == 2


async def test_a_connection_known_to_be_gone_is_no_send(far_appender: Appender, wire: Wire) -> None:
    await far_appender.append(request(event(uuid4())))

    wire.refuse = True
    for writer in wire._writers:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for writer in wire._writers), return_exceptions=True)

    with pytest.raises(LogUnavailableError):
        await far_appender.append(request(event(uuid4())))
    wire.refuse = False
    assert await far_appender.append(request(event(uuid4()))) == Stored(2)


async def test_a_backend_that_stands_still_gives_an_unknown_outcome_in_time(
    far_appender: Appender, postgres: EmbeddedPostgres, database: TestDatabase, log: Log
) -> None:
    await far_appender.append(request(event(uuid4())))
    query = (
        "select pid from pg_stat_activity where application_name = 'surefill append' and datname = current_database()"
    )
    with database.connect() as connection:
        [(pid,)] = connection.execute(query).fetchall()
    given = request(event(uuid4()))

    os.kill(pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(5):
            with pytest.raises(OutcomeUnknownError):
                await far_appender.append(given)
    finally:
        os.kill(pid, signal.SIGCONT)

    outcome = await far_appender.append(given)
    assert isinstance(outcome, Stored | AlreadyStored)
    assert await log.head() == outcome.position


async def test_an_error_names_no_password(database: TestDatabase) -> None:
    appender = Appender(database.app.replace("surefill:surefill@", "surefill:geheim@"))
    await appender.start()

    with pytest.raises(LogUnavailableError, match="password authentication failed") as raised:
        await appender.append(request(event(uuid4())))

    assert "geheim" not in str(raised.value)
    assert not isinstance(raised.value.__cause__, psycopg.Error)
    await appender.stop()
