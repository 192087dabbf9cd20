"""Visits side by side: a slow one holds up nobody, and nothing is sent that the log doesn't hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

from chains.protocol import Chain
from commands.accounts import Behind
from commands.ids import DEFAULT_ACCOUNT
from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from domain.account import ContradictionFound
from domain.commands import OrderCommand, RecordBuilt
from domain.quotes import Refusal
from event_store.errors import OutcomeUnknownError
from localnet.market.price import move
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_execution import QUICK, names
from venues.pools import PoolBook
from venues.protocol import Fits, Proposal, QuoteRequest, VenueGroup, VenueQuote
from workers.execution.builder import Builder
from workers.execution.executor import Executor
from workers.execution.sending import signed_bytes

SLOW_AMOUNT = 123_000_000


class Pools(VenueGroup):
    """The pools, behind gates: ``quotes`` for orders of SLOW_AMOUNT, ``swaps`` for every transaction."""

    def __init__(self, book: PoolBook, *, remote: bool = False) -> None:
        self._book = book
        self._remote = remote
        self.quotes, self.swaps = asyncio.Event(), asyncio.Event()
        self.asked, self.broken = 0, False
        self.swaps.set()

    @property
    def is_remote(self) -> bool:
        return self._remote

    @property
    def venues(self) -> Mapping[str, frozenset[frozenset[str]]]:
        return self._book.venues

    async def quote_all(self, requests: Sequence[QuoteRequest]) -> list[list[VenueQuote | Refusal]]:
        self.asked += len(requests)
        broken = self.broken
        if any(request.amount_in == SLOW_AMOUNT for request in requests):
            await self.quotes.wait()
        if broken:
            raise ConnectionError
        return await self._book.quote_all(requests)

    async def swap(self, quote: VenueQuote, *, owner: str, minimum_out: int, fits: Fits) -> Proposal:
        await self.swaps.wait()
        return await self._book.swap(quote, owner=owner, minimum_out=minimum_out, fits=fits)


class Counting:
    """The chain; ``sent`` and ``simulated`` are what was handed to it."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self.sent: list[bytes] = []
        self.simulated = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    async def send(self, transaction: bytes) -> str:
        self.sent.append(transaction)
        return await self._chain.send(transaction)

    async def simulate(self, message: Any) -> Any:
        self.simulated += 1
        return await self._chain.simulate(message)


def counting(engine: EngineHarness, **how: Any) -> tuple[Counting, Executor]:
    chain = Counting(engine.chain)
    return chain, engine.executor(chain=cast(Chain, chain), **how)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_venue_that_hangs_for_one_order_holds_up_no_other(engine: EngineHarness):
    pools = Pools(engine.book)
    executor = engine.executor(venues=[pools], patience=60)
    slow, *others = [await engine.submit(amount_in=amount) for amount in (SLOW_AMOUNT, *[10**8] * 5)]
    await executor.take([slow, *others])
    for order_id in others:
        await engine.until(order_id, lambda order: order.status == "submitted")
    assert (await engine.order(slow)).status == "routing"
    pools.quotes.set()
    await executor.settled()
    assert (await engine.order(slow)).status == "submitted"


async def test_a_venue_that_does_not_answer_in_time_refuses(engine: EngineHarness):
    executor = engine.executor(venues=[Pools(engine.book)], patience=0.1)
    order_id = await engine.submit(amount_in=SLOW_AMOUNT)
    await engine.execute(order_id, executor=executor)
    assert (await engine.order(order_id)).status == "routing"


async def test_an_id_that_comes_while_its_order_is_visited_is_looked_at_again(engine: EngineHarness):
    pools = Pools(engine.book)
    executor = engine.executor(venues=[pools], patience=60)
    order_id = await engine.submit(amount_in=SLOW_AMOUNT)
    pools.broken = True
    await executor.take([order_id])
    await until(lambda: pools.asked == 1)
    pools.broken = False
    for _ in range(3):
        await executor.take([order_id])
    pools.quotes.set()
    await executor.settled()
    # The first visit came to nothing, and the second was made by no row: nobody sweeps here.
    assert pools.asked == 2
    assert (await engine.order(order_id)).status == "submitted"


async def test_of_a_remote_venue_the_route_is_recorded_while_its_transaction_is_made(engine: EngineHarness):
    pools = Pools(engine.book, remote=True)
    pools.swaps.clear()
    chain, executor = counting(engine, venues=[pools], always_simulate=False)
    order_id = await engine.submit()
    await executor.take([order_id])
    await engine.until(order_id, lambda order: order.status == "building")
    assert names(await engine.history(order_id))[-1] == "OrderRouted"
    pools.swaps.set()
    await executor.settled()
    assert names(await engine.history(order_id))[-2:] == ["TransactionBuilt", "TransactionSubmitted"]
    another = await engine.submit()
    await engine.execute(another, executor=executor)
    # What a remote venue hands over is simulated each time.
    assert (chain.simulated, len(chain.sent)) == (2, 2)


async def test_pools_are_recorded_with_their_transaction_in_one_append(engine: EngineHarness):
    order_id = await engine.submit()
    await engine.execute(order_id)
    recorded = {event.topic: event for event in await engine.events.load(order_id)}
    routed, built = recorded["order.OrderRouted"], recorded["order.TransactionBuilt"]
    assert (routed.command_id, routed.recorded_at) == (built.command_id, built.recorded_at)
    assert built.position == routed.position + 1


class Forgetful(OrderRepository):
    """Its appends of a transaction get no answer, though they are stored."""

    async def execute(self, loaded: LoadedOrder, *commands: OrderCommand, **how: Any) -> LoadedOrder:
        after = await super().execute(loaded, *commands, **how)
        if any(isinstance(command, RecordBuilt) for command in commands):
            raise OutcomeUnknownError
        return after


async def test_what_may_not_be_stored_is_not_sent_and_what_was_stored_is_sent_later(engine: EngineHarness):
    chain, executor = counting(engine)
    orders = Forgetful(engine.events, engine.orders._appender, engine.mapper)
    order_id = await engine.submit()
    await engine.execute(
        order_id,
        executor=Executor(
            replace(executor._visit, recording=replace(executor._visit.recording, orders=orders)), engine.work
        ),
    )
    assert chain.sent == []
    assert names(await engine.history(order_id))[-1] == "TransactionBuilt"

    await engine.execute(order_id, executor=executor)

    history = await engine.history(order_id)
    assert chain.sent == [signed_bytes(history, 1)]
    assert history.order
    assert len(history.order.attempts) == 1


async def test_trading_that_is_halted_while_a_transaction_is_signed_keeps_it_from_being_recorded_and_sent(
    engine: EngineHarness,
):
    chain, executor = counting(engine)

    class Halted(Builder):
        async def build(self, *arguments: Any) -> Any:
            command = await super().build(*arguments)
            found = ContradictionFound(kind="second_success", order_id=order_id, attempt=1, signature="s", detail="d")
            assert await engine.accounts.contradict(DEFAULT_ACCOUNT, found)
            return command

    halting = replace(executor._visit, builder=Halted(executor._visit.builder._context, now))
    order_id = await engine.submit()
    await engine.execute(order_id, executor=Executor(halting, engine.work))
    assert (chain.sent, (await engine.order(order_id)).attempts) == ([], ())
    # As long as trading is halted nothing is even signed.
    await engine.execute(order_id, executor=executor)
    assert (chain.sent, chain.simulated, (await engine.order(order_id)).attempts) == ([], 1, ())

    await engine.accounts.resume(DEFAULT_ACCOUNT, "looked at by hand")

    await engine.execute(order_id, executor=executor)
    assert len(chain.sent) == 1
    assert (await engine.order(order_id)).status == "submitted"


async def test_a_compute_limit_is_simulated_once_and_again_after_a_rejection_on_chain(engine: EngineHarness):
    chain, executor = counting(engine, always_simulate=False)
    first, second = await engine.submit(), await engine.submit()
    await engine.execute(first, executor=executor)
    await engine.execute(second, executor=executor)
    assert (chain.simulated, len(chain.sent)) == (1, 2)
    engine.start_projector()
    engine.start_tracker(QUICK)
    for order_id in (first, second):
        await engine.until(order_id, lambda order: order.ended)
    await engine.stop()

    rejected = await engine.submit(slippage_bps=100)
    await engine.build(rejected)
    await move(engine.rpc_url, engine.market_key, "SOL/USDC", Decimal(140))
    await engine.execute(rejected, executor=executor)
    engine.start_tracker(QUICK)
    await engine.until(rejected, lambda order: order.attempts[0].end == "rejected")
    await engine.stop()
    await move(engine.rpc_url, engine.market_key, "SOL/USDC", Decimal(152))
    async with asyncio.timeout(10):
        # The first visits may be quoted from reserves read before the move.
        while len((await engine.order(rejected)).attempts) == 1:
            await engine.execute(rejected, executor=executor)
    assert chain.simulated == 2


async def test_an_order_waits_past_its_deadline_while_the_log_is_behind_and_the_deadline_counts_at_the_resume(
    engine: EngineHarness,
):
    chain, executor = counting(engine)
    order_id = await engine.submit(deadline=now() + timedelta(milliseconds=200))
    await engine.accounts.found_behind(DEFAULT_ACCOUNT, Behind("it was put back", 0))
    await asyncio.sleep(0.3)
    await engine.execute(order_id, executor=executor)
    assert ((await engine.order(order_id)).status, chain.sent) == ("routing", [])
    await engine.accounts.recover(DEFAULT_ACCOUNT, kept=[order_id], cancelled=[], by="me", because="it is")
    await engine.execute(order_id, executor=executor)
    assert (await engine.order(order_id)).status == "routing"

    await engine.accounts.resume(DEFAULT_ACCOUNT, "looked at by hand")

    await engine.execute(order_id, executor=executor)
    assert ((await engine.order(order_id)).status, chain.sent) == ("failed", [])
