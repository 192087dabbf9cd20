"""Transactions of the wallet that a log doesn't know: two engines with a log each, one wallet and one chain."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx2
import pytest

from chains.errors import ChainUnavailableError
from chains.transactions import compose
from cli.outside import outside_orders
from commands.ids import DEFAULT_ACCOUNT, order_id
from commands.recovery import Recovery, bound_by_guards
from domain.commands import DiscardOrder, RequestCancel
from domain.errors import DomainError
from domain.order import Order
from runtime.composition import lease_of
from runtime.roles.wallet_history import HistoryGate, reading
from runtime.roles.wallet_history import compose as compose_watch
from tests.integration.chains.endpoint_server import Request, altering, serving
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_execution import QUICK
from tests.skipping import hurried, skip_blocks_of
from workers.history.table import HistoryTable
from workers.history.watch import HISTORY, Pace

OFTEN = Pace(every=0.1, again=0.05, blocks=2)


async def executed(engine: EngineHarness, client_order_id: str, **changes: Any) -> Order:
    """An order of the engine, confirmed and final on the chain."""
    ordered = await engine.submit(client_order_id=client_order_id, **changes)
    await engine.execute(ordered)
    engine.start_tracker(QUICK)
    order = await engine.until(ordered, lambda order: order.ended)
    await engine.stop()
    return order


@asynccontextmanager
async def watching(engine: EngineHarness) -> AsyncIterator[None]:
    """The engine's own comparison of the wallet's history with its log, often."""

    async def watch() -> None:
        async with (
            reading(engine.settings, engine.store, engine.wallet.address, engine.genesis_hash) as reader,
            lease_of(engine.store, HISTORY).hold() as lease,
        ):
            await compose_watch(engine.store, reader, OFTEN).run(lease)

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def found_behind(engine: EngineHarness) -> str:
    """Why the log counts as behind, once it does."""
    async with watching(engine), asyncio.timeout(20):
        while not (behind := await engine.accounts.unrecovered(DEFAULT_ACCOUNT)):
            await asyncio.sleep(0.02)
    assert (await engine.accounts.trading(DEFAULT_ACCOUNT)).behind
    return behind.reason


async def compared(engine: EngineHarness) -> None:
    """Return once a comparison that began from now on has found nothing unknown."""
    async with watching(engine), asyncio.timeout(20):
        await (await HistoryGate.of(engine.store)).opened()


async def recovered(engine: EngineHarness) -> None:
    """What `surefill recover` and `surefill resume` do, every open order kept."""
    async with hurried(engine.rpc_url), outside_orders(engine.settings, engine.store) as outside:
        read = await outside.record()
        recovery = Recovery(engine.events, engine.orders, engine.accounts)
        orders = await recovery.open_orders()
        guarded = await outside.guarded(orders, read)
    kept = [one.order_id for one in orders]
    await recovery.decide(DEFAULT_ACCOUNT, kept, [], by="me", because="two engines", guarded=guarded)
    await engine.accounts.resume(DEFAULT_ACCOUNT, "looked at")


async def successes(engine: EngineHarness) -> dict[UUID, list[str]]:
    """The signatures that succeeded on the chain, by the order in their memo."""
    found: dict[UUID, list[str]] = {}
    async with reading(engine.settings, engine.store, engine.wallet.address, engine.genesis_hash) as reader:
        async for page in reader._histories[0].pages(engine.wallet.address):
            for one in page:
                if one.memo and not one.failed:
                    found.setdefault(one.memo.order_id, []).append(one.signature)
    return found


async def test_each_of_two_engines_halts_on_the_others_swaps_and_goes_on_once_they_are_recorded(
    engine: EngineHarness, other: EngineHarness
) -> None:
    first = await executed(engine, "first")
    assert first.fill
    await other.submit(client_order_id="first")
    reason = await found_behind(other)
    ours = order_id(DEFAULT_ACCOUNT, "first")
    assert reason.startswith(
        f"the wallet's history has {first.fill.tx_hash} of order {ours}, which the log doesn't know"
    )
    # Nothing is signed meanwhile.
    await other.execute(ours)
    assert (await other.order(ours)).attempts == ()

    await recovered(other)
    same = await other.order(ours)
    assert same.fill and same.status == "confirmed"
    assert (same.fill.tx_hash, same.fill.amount_in, same.fill.amount_out, same.fill.executed_price) == (
        first.fill.tx_hash, first.fill.amount_in, first.fill.amount_out, first.fill.executed_price,
    )  # fmt: skip
    assert (same.fill.network_fee_lamports, same.fill.guard_rent_lamports) == (
        first.fill.network_fee_lamports, first.fill.guard_rent_lamports,
    )  # fmt: skip
    await compared(other)

    # The other way round; the first engine has never heard of the order.
    second = await executed(other, "second")
    assert second.fill
    assert second.fill.tx_hash in await found_behind(engine)
    await recovered(engine)
    await compared(engine)
    posted = await engine.submit(client_order_id="second", executed=True)
    assert (await engine.order(posted)).fill == second.fill.model_copy(
        update={"venue": None, "venue_fee": None, "venue_fee_token": None, "commitment": "finalized"}
    )
    # Each goes on with orders of its own, and no order has succeeded twice.
    third = await executed(engine, "third")
    assert third.status == "confirmed"
    assert all(len(signatures) == 1 for signatures in (await successes(engine)).values())


async def test_an_attempt_on_its_way_loses_to_the_one_of_another_engine(
    engine: EngineHarness, other: EngineHarness
) -> None:
    mine = await other.submit(client_order_id="both")
    await other.build(mine)
    # By the same blockhash both would sign the same transaction.
    await skip_blocks_of(engine.rpc_url, 2)
    theirs = await executed(engine, "both")
    assert theirs.fill
    await found_behind(other)
    await recovered(other)
    order = await other.order(mine)
    assert order.fill and order.fill.tx_hash == theirs.fill.tx_hash
    assert [attempt.end for attempt in order.attempts] == [None]
    other.start_tracker(QUICK)
    after = await other.until(mine, lambda order: not order.live_attempts)
    assert [attempt.end for attempt in after.attempts] == ["expired"]
    assert after.fill == order.fill
    assert not (await other.accounts.trading(DEFAULT_ACCOUNT)).halted


@pytest.mark.parametrize("posted_before", [True, False], ids=["known to the log", "posted after"])
async def test_an_order_that_was_executed_elsewhere_with_other_terms_fails_and_names_the_transaction(
    engine: EngineHarness, other: EngineHarness, posted_before: bool
) -> None:
    theirs = await executed(engine, "same name", amount_in=400_000_000)
    assert theirs.fill
    if posted_before:
        await other.submit(client_order_id="same name")
    await found_behind(other)
    await recovered(other)
    mine = await other.submit(client_order_id="same name", executed=True)
    order = await other.order(mine)
    assert order.failure
    assert (order.status, order.failure.code, order.failure.retryable) == ("failed", "executed_elsewhere", False)
    assert order.failure.tx_hash == theirs.fill.tx_hash
    # It stays so: nothing is signed for it.
    await other.execute(mine)
    assert (await other.order(mine)).attempts == ()


@pytest.mark.parametrize("posted_before", [True, False], ids=["known to the log", "posted after"])
async def test_an_order_that_was_cancelled_elsewhere_by_the_chain_is_cancelled(
    engine: EngineHarness, other: EngineHarness, posted_before: bool
) -> None:
    theirs = await engine.submit(client_order_id="cancelled")
    await engine.build(theirs)
    await engine.orders.execute(await engine.history(theirs), RequestCancel(by="me", because="sold"))
    await engine.execute(theirs)
    engine.start_tracker(QUICK)
    ended = await engine.until(theirs, lambda order: order.ended)
    assert ended.status == "cancelled" and ended.cancellation and ended.cancellation.tx_hash
    await engine.stop()
    if posted_before:
        await other.submit(client_order_id="cancelled")
    await found_behind(other)
    await recovered(other)
    mine = await other.submit(client_order_id="cancelled", executed=True)
    order = await other.order(mine)
    assert order.cancellation and order.status == "cancelled"
    assert order.cancellation.tx_hash == ended.cancellation.tx_hash


async def test_an_order_that_ended_here_and_was_executed_elsewhere_is_a_contradiction(
    engine: EngineHarness, other: EngineHarness
) -> None:
    mine = await other.submit(client_order_id="given up")
    await other.orders.execute(await other.history(mine), DiscardOrder())
    theirs = await executed(engine, "given up")
    assert theirs.fill
    await found_behind(other)
    await recovered(other)
    [found] = await other.accounts.contradictions(DEFAULT_ACCOUNT)
    assert (found.kind, found.order_id, found.signature) == ("landed_after_end", mine, theirs.fill.tx_hash)
    # It is known from now on.
    await compared(other)


async def test_a_memo_counts_only_with_a_guard_that_the_wallet_has_made(
    engine: EngineHarness, other: EngineHarness
) -> None:
    """Neither the canary nor a transaction without a guard is an order, whatever its memo says."""
    blockhash = (await engine.chain.latest_blockhash()).blockhash
    message = compose(
        [], guard=[], wallet=engine.wallet.address, order_id=order_id(DEFAULT_ACCOUNT, "none"), attempt=1,
        blockhash=blockhash, compute_units=10_000,
    )  # fmt: skip
    await engine.chain.send(bytes(engine.wallet.sign(message)))
    async with asyncio.timeout(10):
        while not await successes(engine):
            await asyncio.sleep(0.02)
    await compared(other)
    assert await other.accounts.unrecovered(DEFAULT_ACCOUNT) is None


async def test_what_was_compared_is_not_read_again(engine: EngineHarness, rpc_url: str) -> None:
    await executed(engine, "first")
    asked: list[dict[str, Any]] = []
    listed: list[int] = []

    def history(request: Request, result: Any) -> Any:
        asked.append(request["params"][1])
        listed.append(len(result))
        return result

    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, {"getSignaturesForAddress": history})) as url,
    ):
        engine.settings = engine.settings.model_copy(update={"solana_rpc_url": url})
        await compared(engine)
        async with asyncio.timeout(20):
            while not await marks(engine):  # what isn't final yet is no mark
                await compared(engine)
        assert max(listed) > 0
        mark = next(iter((await marks(engine)).values()))[0]
        asked.clear()
        listed.clear()
        await compared(engine)
    assert {one.get("until") for one in asked} == {mark}
    assert max(listed) == 0


async def marks(engine: EngineHarness) -> dict[str, list[Any]]:
    async with engine.pool.connection() as connection:
        row = await (await connection.execute("select marks from wallet_history")).fetchone()
    assert row is not None
    return dict(row[0])


async def test_nothing_is_signed_before_the_history_was_compared(engine: EngineHarness, other: EngineHarness) -> None:
    """An unknown swap keeps the gate shut, as does a node that doesn't show the history."""
    gate = await HistoryGate.of(other.store)
    await executed(engine, "first")
    waiting = asyncio.create_task(gate.opened())
    await found_behind(other)
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await recovered(other)
    async with watching(other), asyncio.timeout(20):
        await waiting
    assert (await HistoryTable(other.pool, DEFAULT_ACCOUNT).numbers()).age is not None


async def test_an_open_order_whose_guard_is_there_is_not_cancelled_though_no_endpoint_shows_its_transaction(
    engine: EngineHarness, other: EngineHarness, rpc_url: str
) -> None:
    shown, hidden = await executed(engine, "shown"), await executed(engine, "hidden")
    assert shown.fill and hidden.fill
    mine = await other.submit(client_order_id="hidden")
    free = await other.submit(client_order_id="free")
    purged = hidden.fill.tx_hash

    def history(_: Request, result: Any) -> Any:
        return [one for one in result if one["signature"] != purged]

    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, {"getSignaturesForAddress": history})) as url,
    ):
        other.settings = other.settings.model_copy(update={"solana_rpc_url": url})
        await found_behind(other)
        recovery = Recovery(other.events, other.orders, other.accounts)
        async with hurried(engine.rpc_url), outside_orders(other.settings, other.store) as outside:
            read = await outside.record()
            guarded = await outside.guarded(await recovery.open_orders(), read)
    assert guarded == {mine}
    bound = {one.order_id: one.bound for one in bound_by_guards(await recovery.open_orders(), guarded)}
    assert bound[free] is None and "shows its guard" in (bound[mine] or "")
    with pytest.raises(DomainError) as refused:
        await recovery.decide(DEFAULT_ACCOUNT, [free], [mine], by="me", because="no", guarded=guarded)
    assert refused.value.code == "not_cancellable"


async def test_what_one_endpoint_hides_another_one_shows(
    engine: EngineHarness, other: EngineHarness, rpc_url: str
) -> None:
    theirs = await executed(engine, "first")
    assert theirs.fill
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, {"getSignaturesForAddress": lambda _, __: []})) as url,
    ):
        other.settings = other.settings.model_copy(update={"solana_rpc_url": url})
        await compared(other)
        other.settings = other.settings.model_copy(update={"solana_evidence_rpc_urls": (rpc_url,)})
        assert theirs.fill.tx_hash in await found_behind(other)
        await recovered(other)
        assert (await other.order(await other.submit(client_order_id="first", executed=True))).status == "confirmed"


async def test_one_endpoint_of_two_is_not_enough_to_recover_by(engine: EngineHarness, other: EngineHarness) -> None:
    await executed(engine, "first")
    await found_behind(other)
    other.settings = other.settings.model_copy(update={"solana_evidence_rpc_urls": ("http://127.0.0.1:1",)})
    async with outside_orders(other.settings, other.store) as outside:
        with pytest.raises(ChainUnavailableError, match="1 of 2 endpoints answer"):
            await outside.record()
    assert await other.accounts.history_read(DEFAULT_ACCOUNT) is None


async def test_a_transaction_that_the_wallet_did_not_sign_counts_for_nothing(
    engine: EngineHarness, other: EngineHarness, rpc_url: str
) -> None:
    """A node makes it up from one that the wallet did sign: another attempt, and the signature is wrong."""
    await executed(engine, "first")
    memo = f"{order_id(DEFAULT_ACCOUNT, 'first')}:1".encode()

    def transaction(_: Request, result: Any) -> Any:
        wire, encoding = result["transaction"]
        made_up = b64decode(wire).replace(memo, memo[:-1] + b"2")
        return {**result, "transaction": [b64encode(made_up).decode(), encoding]}

    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, {"getTransaction": transaction})) as url,
    ):
        other.settings = other.settings.model_copy(update={"solana_rpc_url": url})
        await compared(other)
    assert await other.accounts.unrecovered(DEFAULT_ACCOUNT) is None
