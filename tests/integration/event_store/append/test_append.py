from __future__ import annotations

import asyncio
from uuid import uuid4

import psycopg
import pytest

from event_store.append.appender import Appender
from event_store.errors import InvalidRequestError, LogUnavailableError, OutcomeUnknownError
from event_store.hash_chain.hashing import event_hash, log_hash
from event_store.read.log import Log
from event_store.types import AlreadyStored, Conflict, LeaseGuard, LeaseLost, Outcome, Stored, StreamGuard
from tests.integration.conftest import TestDatabase
from tests.integration.embedded import EmbeddedPostgres
from tests.integration.event_store.requests import event, request


async def test_a_stored_event_is_read_back_as_it_was_given(appender: Appender, log: Log) -> None:
    given = event(uuid4(), causation_id=uuid4(), topic="test.Ünïcode", state=bytes(range(256)) * 100)

    assert await appender.append(request(given)) == Stored(1)

    [recorded] = await log.load(given.stream_id)
    assert all(getattr(recorded, name) == getattr(given, name) for name in given.__struct_fields__)
    assert (recorded.position, recorded.recorded_at.utcoffset().total_seconds()) == (1, 0)  # type: ignore[union-attr]


async def test_the_position_of_an_outcome_is_that_of_the_requests_last_event(appender: Appender) -> None:
    stream = uuid4()
    given = request(*(event(stream, version) for version in (1, 2, 3)))

    assert await appender.append(given) == Stored(3)
    assert await appender.append(given) == AlreadyStored(3)
    assert await appender.append(request(event(stream, 4))) == Stored(4)
    assert await appender.append(given) == AlreadyStored(3)


async def test_a_version_that_is_not_next_is_a_conflict(appender: Appender, log: Log) -> None:
    stream = uuid4()

    assert await appender.append(request(event(stream, 7))) == Conflict(stream, 0)
    assert await appender.append(request(event(stream, 2))) == Conflict(stream, 0)
    assert await appender.append(request(event(stream, 1))) == Stored(1)
    assert await appender.append(request(event(stream, 1))) == Conflict(stream, 1)
    assert await appender.append(request(event(stream, 3))) == Conflict(stream, 1)
    assert await log.head() == 1


async def test_half_a_request_that_is_already_there_is_a_conflict(appender: Appender) -> None:
    stream = uuid4()
    first = event(stream, 1)
    await appender.append(request(first))

    assert await appender.append(request(first, event(stream, 2))) == Conflict(stream, 1)


async def test_a_request_of_several_streams_is_stored_whole_or_not_at_all(appender: Appender, log: Log) -> None:
    taken, free, other = uuid4(), uuid4(), uuid4()
    await appender.append(request(event(taken)))

    assert await appender.append(request(event(free), event(taken))) == Conflict(taken, 1)
    assert await appender.append(request(event(free), event(other), event(free, 2))) == Stored(4)

    streams = await log.load_many(dict.fromkeys([taken, free, other], 0))
    assert {stream: [e.position for e in events] for stream, events in streams.items()} == {
        taken: [1], free: [2, 4], other: [3],
    }  # fmt: skip


async def test_a_stream_guard_must_hold_and_is_not_written(appender: Appender) -> None:
    guarded, missing = uuid4(), uuid4()
    await appender.append(request(event(guarded), event(guarded, 2)))

    def guards(*guards: StreamGuard) -> asyncio.Future[Outcome]:
        return asyncio.ensure_future(appender.append(request(event(uuid4()), guards=guards)))

    assert await guards(StreamGuard(guarded, 2), StreamGuard(missing, 0)) == Stored(3)
    assert await guards(StreamGuard(guarded, 1)) == Conflict(guarded, 2)
    assert await guards(StreamGuard(missing, 1)) == Conflict(missing, 0)
    outcomes = await asyncio.gather(*(guards(StreamGuard(guarded, 2)) for _ in range(20)))
    assert all(isinstance(outcome, Stored) for outcome in outcomes)


async def test_a_lease_guard_holds_for_its_epoch_and_not_past_its_end(
    appender: Appender, database: TestDatabase
) -> None:
    with database.connect() as connection:
        connection.execute("insert into leases values ('relay', 3, 'me', clock_timestamp() + interval '1 minute')")
        held = request(event(uuid4()), guards=(LeaseGuard("relay", 3),))
        assert await appender.append(held) == Stored(1)
        for guard in (LeaseGuard("relay", 2), LeaseGuard("relay", 4), LeaseGuard("nobody", 3)):
            assert await appender.append(request(event(uuid4()), guards=(guard,))) == LeaseLost(guard.processor)

        connection.execute("update leases set expires_at = clock_timestamp()")
        late = request(event(uuid4()), guards=(LeaseGuard("relay", 3),))
        assert await appender.append(late) == LeaseLost("relay")
        assert await appender.append(held) == AlreadyStored(1)


@pytest.mark.parametrize(
    "malformed",
    [
        lambda stream: request(event(stream, topic="a\0b")),
        lambda stream: request(event(stream, topic="\ud800")),
        lambda stream: request(event(stream), event(stream, 3)),
        lambda stream: request(event(stream, 2), event(stream, 1)),
        lambda stream: request(event(stream), event(stream)),
        lambda stream: request(event(stream, 2**70)),
        lambda stream: request(*[event(stream, n, event_id=stream) for n in (1, 2)]),
        lambda stream: request(event(stream), guards=(LeaseGuard("a\0b", 1),)),
    ],
    ids=["NUL", "surrogate", "hole", "backwards", "twice", "huge", "event id twice", "NUL in a guard"],
)
async def test_a_malformed_request_fails_alone(malformed, appender: Appender, log: Log) -> None:  # type: ignore[no-untyped-def]
    good = [request(event(uuid4())) for _ in range(20)]
    bad = malformed(uuid4())

    results = await asyncio.gather(*map(appender.append, [*good[:7], bad, *good[7:]]), return_exceptions=True)

    assert isinstance(results.pop(7), InvalidRequestError)
    assert results == [Stored(n) for n in range(1, 21)]
    assert await log.head() == 20


async def test_fifty_tasks_at_one_stream_leave_one_winner_for_each_version(appender: Appender, log: Log) -> None:
    stream = uuid4()

    for version in (1, 2, 3):
        outcomes = await asyncio.gather(*(appender.append(request(event(stream, version))) for _ in range(50)))
        assert sum(isinstance(outcome, Stored) for outcome in outcomes) == 1
        assert all(outcome in (Stored(version), Conflict(stream, version)) for outcome in outcomes)

    assert [recorded.version for recorded in await log.load(stream)] == [1, 2, 3]


async def test_requests_of_one_stream_keep_the_order_they_came_in(appender: Appender) -> None:
    stream = uuid4()

    outcomes = await asyncio.gather(*(appender.append(request(event(stream, version))) for version in range(1, 41)))

    assert outcomes == [Stored(position) for position in range(1, 41)]


async def test_the_function_itself_refuses_two_requests_on_one_stream(database: TestDatabase) -> None:
    stream, other = uuid4(), uuid4()
    query = (
        "select * from append(%s::int[], %s::uuid[], %s::bigint[], %s::uuid[], array_fill('t'::text, array[2]),"
        " array_fill(''::bytea, array[2]), {ids}, {ids}, {ids}, {ids}, {ids}, %s::int[], %s::uuid[], %s::bigint[],"
        " '{{}}', '{{}}', '{{}}')"
    ).format(ids="array_fill(gen_random_uuid(), array[2])")
    with database.connect() as connection:
        for streams, versions, guard_requests, guard_streams in (
            ([stream, stream], [1, 2], [], []),
            ([stream, other], [1, 1], [1], [stream]),
        ):
            with pytest.raises(psycopg.errors.CardinalityViolation):
                connection.execute(
                    query.encode(),
                    [
                        [0, 1],
                        streams,
                        versions,
                        [uuid4(), uuid4()],
                        guard_requests,
                        guard_streams,
                        [0] * len(guard_requests),
                    ],
                )


async def test_both_hash_chains_can_be_computed_again_from_the_rows(
    appender: Appender, log: Log, database: TestDatabase
) -> None:
    streams = [uuid4() for _ in range(5)]
    for start in (1, 4):
        await asyncio.gather(
            *(
                appender.append(
                    request(
                        *(
                            event(stream, start + n, causation_id=uuid4() if n else None, state=b"s" * n)
                            for n in range(3)
                        )
                    )
                )
                for stream in streams
            )
        )

    last_of = dict.fromkeys(streams, b"")
    running = b""
    for recorded in await log.read(0):
        assert recorded.hash == event_hash(recorded, last_of[recorded.stream_id])
        last_of[recorded.stream_id] = recorded.hash
        running = log_hash(running, recorded.position, recorded.recorded_at, recorded.hash)
    with database.connect() as connection:
        assert connection.execute("select position, hash from log_head").fetchone() == (30, running)


async def test_stopping_settles_what_waits_and_refuses_what_comes(database: TestDatabase) -> None:
    appender = Appender(database.app)
    await appender.start()
    waiting = [asyncio.ensure_future(appender.append(request(event(uuid4())))) for _ in range(1000)]
    await asyncio.sleep(0)

    await appender.stop()

    assert [await outcome for outcome in waiting] == [Stored(n) for n in range(1, 1001)]
    with pytest.raises(LogUnavailableError):
        await appender.append(request(event(uuid4())))


async def test_nothing_listening_is_an_append_that_was_never_sent(postgres: EmbeddedPostgres) -> None:
    appender = Appender("postgresql://surefill:geheim@127.0.0.1:9/surefill")
    await appender.start()

    with pytest.raises(LogUnavailableError) as raised:
        await appender.append(request(event(uuid4())))

    assert "127.0.0.1:9" in str(raised.value)
    assert "geheim" not in str(raised.value)
    await appender.stop()


async def test_a_database_nobody_migrated_is_unavailable_and_no_fault_of_the_request(
    empty_database: TestDatabase, database: TestDatabase
) -> None:
    appender = Appender(empty_database.app + "?schema=other", outcome_patience=0.2)
    await appender.start()

    with pytest.raises(LogUnavailableError, match="does not exist"):
        await appender.append(request(event(uuid4())))

    await appender.stop()


async def test_a_lock_held_too_long_leaves_nothing_stored(database: TestDatabase, log: Log) -> None:
    appender = Appender(database.app, outcome_patience=1)
    await appender.start()
    with database.connect(as_owner=True) as connection, connection.transaction():
        connection.execute("select from log_head for update")
        with pytest.raises((LogUnavailableError, OutcomeUnknownError)):
            await appender.append(request(event(uuid4())))

    assert await appender.append(request(event(uuid4()))) == Stored(1)
    await appender.stop()
