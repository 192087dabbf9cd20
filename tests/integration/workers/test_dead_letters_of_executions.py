"""What one visit cannot do stays with its order: it becomes a dead letter, and the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import MessageV0, to_bytes_versioned
from solders.pubkey import Pubkey

from chains.solana_client import SolanaChain
from domain.quotes import Refusal
from event_store.processors import dead_letters
from tests.integration.conftest import TestDatabase
from tests.integration.workers.dead_letters import (
    FUTURE,
    add_dead_letter,
    all_dead_letters,
    append_from_the_future,
    due,
    the_dead_letter,
)
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_execution import QUICK
from venues.pools import PoolBook
from venues.protocol import Fits, Proposal, QuoteRequest, VenueGroup, VenueQuote
from workers.dead_letters import MOST_FAILURES
from workers.dispatch.broker import QUEUE
from workers.execution.executor import Executor

APPENDING = ("store", "store_straight")


async def test_an_order_that_cannot_be_read_is_a_dead_letter_at_once_and_its_neighbours_are_executed(
    engine: EngineHarness,
):
    newer = await engine.submit()
    await append_from_the_future(engine, newer)
    engine.start_projector()
    engine.start_sweeper()
    engine.start_worker()
    engine.start_tracker(QUICK)
    fine = await engine.submit()
    assert (await engine.until(fine, lambda order: order.ended)).status == "confirmed"
    dead_letter = await the_dead_letter(engine)
    assert (dead_letter.processor, dead_letter.order_id, dead_letter.version) == ("execution", newer, 3)
    assert dead_letter.error == f"{FUTURE}: UnknownTopicError"
    await engine.projected()
    await engine.stop()
    assert await due(engine) == []


def altered(engine: EngineHarness, **parts: Any) -> Executor:
    """An executor whose visits have other ``parts``."""
    return Executor(replace(engine.executor()._visit, **parts), engine.work)


async def test_what_happens_to_a_dead_letter_makes_no_visit_of_it(engine: EngineHarness, monkeypatch):
    monkeypatch.setattr("workers.dispatch.sweeper.SETTLED_S", 0.0)
    monkeypatch.setattr("workers.dispatch.sweeper.DERIVE_EVERY_S", 0.1)
    order_id = await engine.submit()
    await add_dead_letter(engine, "execution", order_id)
    async with engine.pool.connection() as connection:
        await connection.execute("delete from work")
    await asyncio.sleep(0.2)
    engine.broker.flush(QUEUE)  # the message of its submission had been taken before it failed
    engine.start_projector()
    engine.start_sweeper()
    engine.start_worker()
    fine = await engine.submit()
    await engine.until(fine, lambda order: order.status == "submitted")
    await asyncio.sleep(3)  # several derivations, and past the due time of the row that the projector has written
    assert (await engine.order(order_id)).status == "routing"
    async with engine.pool.connection() as connection, connection.cursor() as cursor:
        await dead_letters.remove(cursor, ["execution"], order_id)
    await engine.until(order_id, lambda order: order.status == "submitted")


async def test_a_visit_that_keeps_breaking_makes_the_order_a_dead_letter_after_a_few_times_in_a_row(
    engine: EngineHarness,
):
    order_id = await engine.submit()
    await engine.build(order_id)
    recording = engine.executor()._visit.recording
    # A defect, and no server that could be unreachable.
    broken = altered(engine, recording=replace(recording, chain=None))  # type: ignore[arg-type]
    for _ in range(MOST_FAILURES - 1):
        await engine.execute(order_id, executor=broken)
    assert await all_dead_letters(engine) == []
    await engine.execute(order_id, executor=broken)
    dead_letter = await the_dead_letter(engine)
    assert (dead_letter.processor, dead_letter.order_id, dead_letter.version) == ("execution", order_id, 4)
    assert (dead_letter.error, dead_letter.attempts) == ("AttributeError", MOST_FAILURES)


async def test_an_order_that_its_deadline_still_ends_is_no_dead_letter(engine: EngineHarness):
    order_id = await engine.submit()
    await engine.route(order_id)
    engine.book._pools.clear()
    executor = engine.executor()
    for _ in range(MOST_FAILURES + 1):
        await engine.execute(order_id, executor=executor)
    assert await all_dead_letters(engine) == []
    late = altered(engine, clock=lambda: now() + timedelta(minutes=5))
    await engine.execute(order_id, executor=late)
    assert (await engine.order(order_id)).failure
    assert await all_dead_letters(engine) == []


class Panicking(VenueGroup):
    """The pools, whose swaps end in a panic of solders' Rust, which no ``except Exception`` catches."""

    def __init__(self, book: PoolBook) -> None:
        self._book = book

    @property
    def venues(self) -> Mapping[str, frozenset[frozenset[str]]]:
        return self._book.venues

    async def quote_all(self, requests: Sequence[QuoteRequest]) -> list[list[VenueQuote | Refusal]]:
        return await self._book.quote_all(requests)

    async def swap(self, quote: VenueQuote, *, owner: str, minimum_out: int, fits: Fits) -> Proposal:
        payer = Pubkey.from_string(owner)
        too_long = [Instruction(Pubkey.default(), bytes(70_000), [])]
        to_bytes_versioned(MessageV0.try_compile(payer, too_long, [], Hash.default()))
        raise AssertionError("it was written")


async def test_a_panic_is_a_failure_like_any_other_and_the_order_still_ends_by_its_deadline(engine: EngineHarness):
    order_id = await engine.submit()
    await engine.route(order_id)
    executor = engine.executor(venues=[Panicking(engine.book)])
    for _ in range(MOST_FAILURES + 1):
        await engine.execute(order_id, executor=executor)
    assert await all_dead_letters(engine) == []
    late = Executor(replace(executor._visit, clock=lambda: now() + timedelta(minutes=5)), engine.work)
    await engine.execute(order_id, executor=late)
    assert (await engine.order(order_id)).failure


async def test_a_failure_in_between_that_was_overcome_does_not_count(engine: EngineHarness):
    order_id = await engine.submit()
    await engine.route(order_id)
    executor = engine.executor()
    pools = dict(engine.book._pools)
    engine.book._pools.clear()
    for _ in range(MOST_FAILURES - 1):
        await engine.execute(order_id, executor=executor)
    engine.book._pools.update(pools)
    await engine.execute(order_id, executor=executor)
    assert (await engine.order(order_id)).live_attempt
    assert await all_dead_letters(engine) == []


async def test_a_chain_that_cannot_be_reached_makes_no_dead_letter(engine: EngineHarness):
    order_id = await engine.submit()
    await engine.route(order_id)
    async with SolanaChain("http://127.0.0.1:1") as chain:
        unreachable = engine.executor(chain=chain)
        for _ in range(2 * MOST_FAILURES):
            await engine.execute(order_id, executor=unreachable)
    assert (await engine.order(order_id)).status == "building"
    assert await all_dead_letters(engine) == []


async def test_a_database_that_refuses_for_a_while_makes_no_dead_letter(engine: EngineHarness, database: TestDatabase):
    order_id = await engine.submit()
    executor = engine.executor()
    with database.connect(as_owner=True) as owner:
        for function in APPENDING:
            owner.execute(f"revoke execute on function {function} from surefill")
        engine.orders._appender._patience = 0.1
        for _ in range(2 * MOST_FAILURES):
            await engine.execute(order_id, executor=executor)
        assert (await engine.order(order_id)).status == "routing"
        for function in APPENDING:
            owner.execute(f"grant execute on function {function} to surefill")
    assert await all_dead_letters(engine) == []
    await engine.execute(order_id, executor=executor)
    assert (await engine.order(order_id)).status == "submitted"


class Slow(VenueGroup):
    """The pools, answering when told to; counts how often they were asked."""

    def __init__(self, engine: EngineHarness) -> None:
        self._book = engine.book
        self.asked = 0
        self.answer = asyncio.Event()

    @property
    def is_remote(self) -> bool:
        return False

    @property
    def venues(self) -> Mapping[str, frozenset[frozenset[str]]]:
        return self._book.venues

    async def quote_all(self, requests: Sequence[QuoteRequest]) -> list[list[VenueQuote | Refusal]]:
        self.asked += len(requests)
        await self.answer.wait()
        return await self._book.quote_all(requests)

    async def swap(self, quote: VenueQuote, *, owner: str, minimum_out: int, fits: Fits) -> Proposal:
        return await self._book.swap(quote, owner=owner, minimum_out=minimum_out, fits=fits)


async def test_an_order_that_is_being_visited_is_not_visited_twice(engine: EngineHarness):
    slow = Slow(engine)
    executor = engine.executor(venues=[slow])
    order_id, other = await engine.submit(), await engine.submit()
    await executor.take([order_id])
    while not slow.asked:
        await asyncio.sleep(0.01)
    await executor.take([order_id, other])
    while slow.asked < 2:
        await asyncio.sleep(0.01)
    slow.answer.set()
    await executor.settled()
    assert slow.asked == 2
    for each in (order_id, other):
        assert [event.TOPIC for event in (await engine.history(each)).events].count("order.TransactionBuilt") == 1
