"""What is recorded beside an order: contradictions, a halt, dead letters."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from chains.wallet_history import WalletHistory
from commands import ids
from commands.accounts import Behind
from commands.dead_letters import DeadLetters
from commands.ids import DEFAULT_ACCOUNT
from commands.recovery import Recovery
from domain.account import (
    RecordedDeadLetter,
    dead_letters_stream,
    foreign_reclaims_stream,
    foreign_transactions_stream,
    guard_key_stream,
    reconciliation_stream,
    trading_stream,
)
from domain.commands import DiscardOrder, RecordExpiry
from domain.log_behind import ForeignReclaimFound, ForeignTransactionFound, WalletHistoryRead
from domain.tokens import SOL, USDC
from tests.chaos.node import FaultyNode
from tests.golden.runs import (
    MAPPER,
    PAST_ITS_LIFE,
    QUICK,
    SENDS_NOTHING,
    execute,
    history,
    is_ended,
)
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_contradictions import forged, landed
from workers.execution.canary import Canary
from workers.execution.funds import Funds
from workers.execution.sending import signed_bytes
from workers.history.canaries import canaries_of
from workers.tracker.resolve import Resolver


@history
async def contradiction_halts_and_resumes(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """An attempt that a lying node called expired lands after all, then the second: trading halts, and is resumed."""
    order_id = await engine.submit()
    await engine.build(order_id)
    first = signed_bytes(await engine.history(order_id), 1)
    evidence = forged((await engine.order(order_id)).attempts[0])
    await engine.orders.execute(await engine.history(order_id), RecordExpiry(1, evidence, now()))
    await engine.build(order_id)
    await engine.chain.send(first)
    await landed(engine, order_id, 1)
    engine.start_tracker(SENDS_NOTHING)
    await engine.chain.send(signed_bytes(await engine.history(order_id), 2))
    async with asyncio.timeout(15):
        while not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted:
            await asyncio.sleep(0.05)
    late = await engine.submit(deadline=now() + timedelta(seconds=2))
    engine.start_projector()
    engine.start_sweeper()
    engine.start_worker()
    await engine.until(late, is_ended)
    await engine.accounts.resume(DEFAULT_ACCOUNT, "the two swaps are settled by hand")
    return [order_id, late, reconciliation_stream(DEFAULT_ACCOUNT), trading_stream(DEFAULT_ACCOUNT)]


@history
async def halted(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """A confirmed swap is dropped by a fork and never lands again: noted, and trading stays halted."""
    execute(engine)
    order_id = await engine.submit()
    confirmed = await engine.until(order_id, is_ended)
    assert confirmed.fill
    await node.fault("drop")
    await node.fault("stall")
    slot = await node.truth("getSlot", {"commitment": "processed"})
    await node.fork(slot - confirmed.fill.slot + 1, confirmed=True)
    await node.blocks(PAST_ITS_LIFE)
    async with asyncio.timeout(15):
        while not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted:
            await asyncio.sleep(0.05)
    return [order_id, reconciliation_stream(DEFAULT_ACCOUNT), trading_stream(DEFAULT_ACCOUNT)]


@history
async def confirmation_upheld(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """History is purged between a swap's confirmation and its finality: an operator says that it stands."""
    order_id = await confirmed_and_purged(engine, node)
    resolver = Resolver(engine.orders, engine.accounts, engine.chain)
    await resolver.stands(order_id, 1, "the explorer shows it finalized")
    return [order_id, reconciliation_stream(DEFAULT_ACCOUNT)]


async def confirmed_and_purged(engine: EngineHarness, node: FaultyNode) -> UUID:
    """An order whose swap was seen confirmed, and of which the node shows nothing more; projector and tracker run."""
    engine.start_projector()
    order_id = await engine.submit()
    await engine.execute(order_id)
    await landed(engine, order_id, 1)
    await node.fault("blind")
    await node.fault("purged", keeps=20)
    await node.blocks(PAST_ITS_LIFE)
    async with asyncio.timeout(15):
        while order_id not in (await engine.work.tracked())[1]:
            await asyncio.sleep(0.05)
    engine.start_tracker(QUICK)
    return order_id


@history
async def given_up(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Set aside by a stage, taken up again, and at last given up by an operator."""
    order_id = await engine.submit()
    await engine.route(order_id)
    dead_letters = DeadLetters(engine.events, engine.orders._appender, MAPPER, engine.orders)
    letter = RecordedDeadLetter(processor="build", version=3, error="UnknownPool", attempts=8, since=now())
    await dead_letters.record_retry(order_id, [letter], "operator@host")
    again = letter.model_copy(update={"since": now()})
    await dead_letters.discard(order_id, [again], "operator@host", "its pool is gone")
    return [order_id, dead_letters_stream(DEFAULT_ACCOUNT)]


@history
async def guard_key_bound(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """The first start binds the guard key and makes its canary, a later one proves by it; an order makes its guard."""
    funds = Funds(engine.chain, engine.wallet.address, reserve=0)
    key = engine.wallet.guard_key()

    async def canaries() -> dict[str, int]:
        async with WalletHistory(engine.rpc_url) as history:
            return await canaries_of(engine.wallet.address, history)

    for _ in range(2):
        canary = Canary(
            engine.chain, engine.wallet, key, engine.store.guard_keys, funds, DEFAULT_ACCOUNT, canaries
        )  # fmt: skip
        await canary.prove()
        async with asyncio.timeout(15):
            await canary.record()
    execute(engine)
    order_id = await engine.submit()
    await engine.until(order_id, is_ended)
    return [order_id, guard_key_stream(DEFAULT_ACCOUNT)]


@history
async def put_back_and_recovered(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """The log is found behind its witness: an operator keeps one waiting order, cancels another and resumes trading."""
    waits = {"type": "limit", "limit_price": Decimal(900)}
    kept, cancelled = await engine.submit(**waits), await engine.submit(**waits)
    behind = Behind("the witness has seen position 7 in epoch 1, the log ends at 2", 2, 1, 7)
    await engine.accounts.found_behind(DEFAULT_ACCOUNT, behind)
    recovery = Recovery(engine.events, engine.orders, engine.accounts)
    await recovery.decide(DEFAULT_ACCOUNT, [kept], [cancelled], by="operator@host", because="the mirror was older")
    await engine.accounts.resume(DEFAULT_ACCOUNT, "both clients were asked")
    return [kept, cancelled, reconciliation_stream(DEFAULT_ACCOUNT), trading_stream(DEFAULT_ACCOUNT)]


@history
async def executed_elsewhere(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """The chain shows what the log has lost of four orders: a swap, one with other terms, a cancel, and a swap of an
    order that is posted again only afterwards; and a fifth that had failed here.
    """
    ours = {name: await engine.submit(client_order_id=name) for name in ("swap", "terms", "cancel", "ended")}
    again = ids.order_id(DEFAULT_ACCOUNT, "again")
    await engine.orders.execute(await engine.history(ours["ended"]), DiscardOrder())
    behind = Behind("the wallet's history has a transaction which the log doesn't know", 4)
    await engine.accounts.found_behind(DEFAULT_ACCOUNT, behind)
    found = [
        foreign(ours["swap"], 1, slot=301),
        foreign(ours["terms"], 1, slot=302, paid={SOL.mint: 400_000_000}),
        foreign(ours["cancel"], 2, slot=303, purpose="cancel", paid={}, received={}),
        foreign(again, 1, slot=304, failed=True, paid={}, received={}, guard_rent_lamports=0),
        foreign(again, 2, slot=305),
        foreign(ours["ended"], 1, slot=306),
    ]
    await engine.store.foreign.record(DEFAULT_ACCOUNT, found)
    read = WalletHistoryRead(
        epoch=2, wallet=found[0].wallet, height=460, endpoints=("node.example",), executed=len(found) - 1
    )
    await engine.accounts.record_history_read(DEFAULT_ACCOUNT, read)
    recovery = Recovery(engine.events, engine.orders, engine.accounts)
    await recovery.decide(DEFAULT_ACCOUNT, [], [], by="operator@host", because="the mirror was older")
    await engine.submit(client_order_id="again", executed=True)
    return [
        *ours.values(),
        again,
        foreign_transactions_stream(DEFAULT_ACCOUNT),
        reconciliation_stream(DEFAULT_ACCOUNT),
        trading_stream(DEFAULT_ACCOUNT),
    ]


@history
async def reclaimed_elsewhere(engine: EngineHarness, node: FaultyNode) -> Sequence[UUID]:
    """Two reclaims of the lost end of the log: one closed a guard, one failed."""
    reclaim_id = uuid5(DEFAULT_ACCOUNT, "a reclaim")
    landed = ForeignReclaimFound(
        reclaim_id=reclaim_id,
        signature="o401" * 22,
        slot=401,
        wallet="9aE476sH92Vz7DMPyq5WLPkrKWivxeuTKEFKd2sZZcde",
        genesis_hash="4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY",
        failed=False,
        guards=("8opHzTAnfzRpPEx21XtnrVTX28YQuCpAjcn1PczScKh",),
        received={SOL.mint: 2_039_280},
        fee_lamports=10_000,
    )
    failed = landed.model_copy(
        update={"signature": "o402" * 22, "slot": 402, "failed": True, "guards": (), "received": {}}
    )
    await engine.store.foreign_reclaims.record(DEFAULT_ACCOUNT, [failed, landed])
    return [foreign_reclaims_stream(DEFAULT_ACCOUNT)]


def foreign(order_id: UUID, attempt: int, *, slot: int, **changes: Any) -> ForeignTransactionFound:
    """A swap of half a SOL that another engine signed."""
    told: dict[str, Any] = {
        "purpose": "swap",
        "signature": f"{slot}".replace("0", "o") * 29,
        "wallet": "9aE476sH92Vz7DMPyq5WLPkrKWivxeuTKEFKd2sZZcde",
        "genesis_hash": "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY",
        "failed": False,
        "paid": {SOL.mint: 500_000_000},
        "received": {USDC.mint: 74_000_000},
        "fee_lamports": 5_000,
        "guard": "8opHzTAnfzRpPEx21XtnrVTX28YQuCpAjcn1PczScKh",
        "guard_rent_lamports": 2_039_280,
    }
    return ForeignTransactionFound(order_id=order_id, attempt=attempt, slot=slot, **{**told, **changes})
