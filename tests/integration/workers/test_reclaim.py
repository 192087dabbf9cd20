"""Rents come back from guards, by recorded transactions, and never while the guard may still be needed."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast
from uuid import UUID, uuid4

import pytest
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.token import ID as TOKEN
from solders.transaction import VersionedTransaction

from chains.guard import GUARD_BYTES
from chains.guard_accounts import GuardsSeen
from chains.protocol import Simulation, Statuses
from chains.reclaim import ClosingGuard, compose_reclaim, token_account_of
from chains.reclaim_landings import ReclaimShown
from chains.solana_client import SolanaChain
from commands.ids import DEFAULT_ACCOUNT
from domain.account import ContradictionFound
from domain.reclaim import Reclaim
from domain.reclaim_events import ReclaimBuilt, ReclaimExpired, ReclaimFailed, ReclaimLanded
from domain.tokens import USDC
from tests.integration.workers.harness import EngineHarness, Unsent, now
from tests.integration.workers.test_execution import QUICK
from tests.skipping import pass_finalized
from workers.reclaim import reclaimer, sent_reclaims
from workers.reclaim.reclaimer import RECLAIM

pytestmark = pytest.mark.usefixtures("looks_often")

SHORT, WEEK = "1s", "7d"


async def confirmed(engine: EngineHarness, count: int = 1) -> list[UUID]:
    """Orders that ended well; projector and tracker go on."""
    engine.start_projector()
    engine.start_tracker(QUICK)
    order_ids = [await engine.submit() for _ in range(count)]
    await engine.execute(*order_ids)
    for order_id in order_ids:
        assert (await engine.until(order_id, lambda order: order.ended)).status == "confirmed"
    return order_ids


async def rows(engine: EngineHarness) -> dict[UUID, dict[str, Any]]:
    """The table of guards by order."""
    names = ("order_id", "since", "lamports", "largest", "not_before", "obstacle", "reclaim", "returned")
    async with engine.pool.connection() as connection:
        found = await (await connection.execute(f"select {', '.join(names)} from guards")).fetchall()
    return {row[0]: dict(zip(names, row, strict=True)) for row in found}


async def until(engine: EngineHarness, holds: Callable[[dict[UUID, dict[str, Any]]], bool], within: float = 30) -> Any:
    """The table once ``holds`` says so."""
    deadline = asyncio.get_running_loop().time() + within
    while not holds(found := await rows(engine)):
        assert asyncio.get_running_loop().time() < deadline, found
        await asyncio.sleep(0.05)
    return found


async def reclaim_ids(engine: EngineHarness) -> list[UUID]:
    """The streams of the reclaims that the log has, the oldest first."""
    return [event.stream_id for event in await engine.events.read(0, 10_000) if event.topic == ReclaimBuilt.TOPIC]


async def reclaims(engine: EngineHarness) -> list[Reclaim]:
    loaded = [await engine.store.reclaims.load(reclaim_id) for reclaim_id in await reclaim_ids(engine)]
    return [reclaim for reclaim in loaded if reclaim]


def guard_of(engine: EngineHarness, order_id: UUID) -> str:
    return engine.wallet.guard_key().of_order(engine.wallet.address, order_id).address


async def test_rents_come_back_once_their_time_is_over_and_the_orders_stay_what_they_were(engine: EngineHarness):
    order_ids = await confirmed(engine, 3)
    before = [await engine.order(order_id) for order_id in order_ids]
    holds = await engine.chain.lamports(engine.wallet.address)
    rent = await engine.chain.rent(GUARD_BYTES)
    engine.start_reclaimer(SHORT)
    found = await until(engine, lambda rows: len(rows) == 3 and all(row["returned"] for row in rows.values()))
    assert {row["lamports"] for row in found.values()} == {rent}
    [reclaim] = await reclaims(engine)
    assert isinstance(reclaim.end, ReclaimLanded)
    assert (reclaim.end.lamports, reclaim.end.tokens, reclaim.end.fee_lamports) == (3 * rent, 0, 10_000)
    [reclaim_id], knows = await reclaim_ids(engine), engine.store.reclaims.knows
    assert await knows(reclaim_id, reclaim.built.signature)
    assert not await knows(reclaim_id, "another")
    assert not await knows(order_ids[0], reclaim.built.signature)
    assert await engine.chain.lamports(engine.wallet.address) == holds + 3 * rent - 10_000
    seen = await engine.chain.guards(engine.genesis_hash, [guard_of(engine, order_id) for order_id in order_ids])
    assert len(seen.gone) == 3
    assert [await engine.order(order_id) for order_id in order_ids] == before
    assert not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted


async def test_nothing_is_closed_before_its_time(engine: EngineHarness):
    [order_id] = await confirmed(engine)
    engine.start_reclaimer(WEEK)
    found = await until(engine, lambda rows: order_id in rows)
    await past_its_height(engine, order_id)
    await asyncio.sleep(2)
    assert await reclaims(engine) == []
    assert (await rows(engine)) == found
    assert await is_there(engine, order_id)


async def test_a_halted_account_gets_no_rent_back_until_it_is_resumed(engine: EngineHarness):
    [order_id] = await confirmed(engine)
    await halt(engine)
    await past_its_height(engine, order_id)
    engine.start_reclaimer(SHORT)
    await until(engine, lambda rows: order_id in rows)
    await asyncio.sleep(3)
    assert await reclaims(engine) == []
    await engine.accounts.resume(DEFAULT_ACCOUNT, "looked at")
    await until(engine, lambda rows: rows[order_id]["returned"])


async def test_a_halt_that_comes_while_a_reclaim_is_made_keeps_it_from_being_recorded(engine: EngineHarness):
    [order_id] = await confirmed(engine)
    await past_its_height(engine, order_id)

    async def halts(message: MessageV0) -> Simulation:
        engine.chain = honest
        await halt(engine)
        return await honest.simulate(message)

    honest = engine.chain
    engine.chain = cast(SolanaChain, Changed(honest, simulate=halts))
    engine.start_reclaimer(SHORT)
    await until(engine, lambda rows: order_id in rows)
    async with asyncio.timeout(10):
        while not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted:
            await asyncio.sleep(0.05)
    await asyncio.sleep(2)
    assert await reclaims(engine) == []
    assert await is_there(engine, order_id)


async def test_while_something_in_the_wallets_history_is_unknown_nothing_is_closed(engine: EngineHarness):
    [order_id] = await confirmed(engine)
    await past_its_height(engine, order_id)
    asked = asyncio.Event()

    async def unknown(_: UUID) -> str | None:
        asked.set()
        return "a transaction of the wallet is unknown"

    engine.start_reclaimer(SHORT, unknown)
    async with asyncio.timeout(10):
        await asked.wait()
    await asyncio.sleep(2)
    assert await reclaims(engine) == []


async def test_few_guards_wait_a_tenth_of_their_time_for_others(engine: EngineHarness):
    await past_its_height(engine, *await confirmed(engine, 2))
    engine.start_reclaimer("8s")
    found = await until(engine, lambda rows: len(rows) == 2 and all(row["reclaim"] for row in rows.values()), within=50)
    since = [row["since"] for row in found.values()]
    reclaim_at = [event for event in await engine.events.read(0, 10_000) if event.topic == ReclaimBuilt.TOPIC]
    assert len(reclaim_at) == 1
    assert reclaim_at[0].recorded_at - min(since) >= timedelta(seconds=8.8)


async def test_what_strangers_paid_into_guards_comes_back_with_the_rent(engine: EngineHarness):
    order_ids = await confirmed(engine, 2)
    rent = await engine.chain.rent(GUARD_BYTES)
    for order_id in order_ids:
        await past_its_height(engine, order_id)
    await pay(engine, transfer_lamports(engine, guard_of(engine, order_ids[0]), 1))
    await pay(engine, transfer_tokens(engine, guard_of(engine, order_ids[1]), 7))
    usdc = (await engine.chain.token_balances(engine.wallet.address, [USDC.mint]))[USDC.mint]
    engine.start_reclaimer(SHORT)
    found = await until(engine, lambda rows: len(rows) == 2 and all(row["returned"] for row in rows.values()))
    assert [found[order_id]["lamports"] for order_id in order_ids] == [rent + 1, rent]
    [reclaim] = await reclaims(engine)
    assert isinstance(reclaim.end, ReclaimLanded)
    assert (reclaim.end.lamports, reclaim.end.tokens) == (2 * rent + 1, 7)
    assert (await engine.chain.token_balances(engine.wallet.address, [USDC.mint]))[USDC.mint] == usdc + 7


async def test_a_reclaim_that_fails_on_chain_is_halved_until_what_fails_is_alone(engine: EngineHarness):
    order_ids = await confirmed(engine, 4)
    await past_its_height(engine, *order_ids)
    spoiled = guard_of(engine, order_ids[0])

    await pay(engine, transfer_tokens(engine, spoiled, 1))
    methods = {"guards": blind_to_tokens(engine.chain), "simulate": simulates_well}
    engine.chain = cast(SolanaChain, Changed(engine.chain, **methods))
    engine.start_reclaimer(SHORT)
    found = await until(engine, lambda rows: sum(row["returned"] for row in rows.values()) == 3, within=60)
    left = await until(engine, lambda rows: rows[order_ids[0]]["obstacle"] is not None)
    assert not found[order_ids[0]]["returned"]
    assert (left[order_ids[0]]["largest"], left[order_ids[0]]["reclaim"]) == (1, None)
    sizes = [len(one.built.guards) for one in await reclaims(engine) if isinstance(one.end, ReclaimFailed)]
    assert sizes == [4, 2, 1]
    assert await is_there(engine, order_ids[0])


async def test_a_guard_whose_closing_would_fail_is_found_before_anything_is_sent(engine: EngineHarness):
    order_ids = await confirmed(engine, 3)
    await past_its_height(engine, *order_ids)
    await pay(engine, transfer_tokens(engine, guard_of(engine, order_ids[1]), 1))
    engine.chain = cast(SolanaChain, Changed(engine.chain, guards=blind_to_tokens(engine.chain)))
    engine.start_reclaimer(SHORT)
    found = await until(engine, lambda rows: sum(row["returned"] for row in rows.values()) == 2)
    assert "closing it alone fails" in found[order_ids[1]]["obstacle"]
    assert all(isinstance(one.end, ReclaimLanded) for one in await reclaims(engine))


async def test_a_crash_after_recording_and_before_sending_loses_nothing(engine: EngineHarness):
    [order_id] = await confirmed(engine)
    await past_its_height(engine, order_id)
    honest, engine.chain = engine.chain, cast(SolanaChain, Unsent(engine.chain))
    crashing = engine.start_reclaimer(SHORT)
    with contextlib.suppress(asyncio.CancelledError):
        await crashing
    [reclaim] = await reclaims(engine)
    assert reclaim.end is None
    engine.chain = honest
    engine.start_reclaimer(SHORT)
    await until(engine, lambda rows: rows[order_id]["returned"])
    [after] = await reclaims(engine)
    assert after.built == reclaim.built


async def test_a_crash_after_sending_repeats_nothing(engine: EngineHarness):
    [order_id] = await confirmed(engine)
    await past_its_height(engine, order_id)
    holds, rent = await engine.chain.lamports(engine.wallet.address), await engine.chain.rent(GUARD_BYTES)

    async def dies(transaction: bytes) -> str:
        await honest.send(transaction)
        raise asyncio.CancelledError

    honest, engine.chain = engine.chain, cast(SolanaChain, Changed(engine.chain, send=dies))
    crashing = engine.start_reclaimer(SHORT)
    with contextlib.suppress(asyncio.CancelledError):
        await crashing
    engine.chain = honest
    engine.start_reclaimer(SHORT)
    await until(engine, lambda rows: rows[order_id]["returned"])
    assert len(await reclaims(engine)) == 1
    assert await engine.chain.lamports(engine.wallet.address) == holds + rent - 10_000


async def test_a_reclaim_that_never_lands_expires_and_its_guards_are_closed_by_another(engine: EngineHarness):
    [order_id] = await confirmed(engine)
    await past_its_height(engine, order_id)
    losing = True

    async def lost(transaction: bytes) -> str:
        return "accepted" if losing else await honest.send(transaction)

    honest, engine.chain = engine.chain, cast(SolanaChain, Changed(engine.chain, send=lost))
    engine.start_reclaimer(SHORT)
    async with asyncio.timeout(30):
        while not any(one.end for one in await reclaims(engine)):
            await asyncio.sleep(0.1)
    losing = False
    await until(engine, lambda rows: rows[order_id]["returned"])
    first, second = await reclaims(engine)
    assert isinstance(first.end, ReclaimExpired)
    assert isinstance(second.end, ReclaimLanded)


async def test_a_reclaim_that_no_node_shows_any_more_has_landed_where_its_guards_are_gone(
    engine: EngineHarness, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sent_reclaims, "LOOK_FOR_S", 1.0)
    [order_id] = await confirmed(engine)
    await past_its_height(engine, order_id)
    rent = await engine.chain.rent(GUARD_BYTES)

    async def statuses(signatures: Sequence[str], *, search_history: bool = False) -> Statuses:
        # Of swaps the chain tells all: what it has purged is the reclaim.
        if any(one.built.signature in signatures for one in await reclaims(engine)):
            return Statuses(0, (None,) * len(signatures))
        return await honest.statuses(signatures, search_history=search_history)

    async def purged(signature: str, wallet: str) -> ReclaimShown:
        return ReclaimShown()

    honest = engine.chain
    engine.chain = cast(SolanaChain, Changed(honest, statuses=statuses, reclaim_shown=purged))
    engine.start_reclaimer(SHORT)
    await until(engine, lambda rows: rows.get(order_id, {}).get("returned", False))
    [reclaim] = await reclaims(engine)
    assert reclaim.end == ReclaimLanded(
        signature=reclaim.built.signature, slot=None, lamports=rent, tokens=0, fee_lamports=10_000
    )


async def test_a_guard_that_somebody_else_has_closed_halts_the_account(engine: EngineHarness):
    kept, stolen = await confirmed(engine, 2)
    await past_its_height(engine, kept, stolen)
    await close_outside(engine, guard_of(engine, stolen))
    engine.start_reclaimer(SHORT)
    async with asyncio.timeout(15):
        while not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted:
            await asyncio.sleep(0.05)
    [found] = await engine.accounts.contradictions(DEFAULT_ACCOUNT)
    assert (found.kind, found.order_id, found.attempt) == ("guard_gone", stolen, 1)
    await asyncio.sleep(2)
    assert await reclaims(engine) == []
    assert await is_there(engine, kept)
    await engine.accounts.resume(DEFAULT_ACCOUNT, "it was me")
    await until(engine, lambda rows: rows[kept]["returned"])
    assert not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted


async def test_an_order_that_left_no_guard_is_forgotten_and_an_open_one_is_no_candidate(engine: EngineHarness):
    failed = await engine.submit(deadline=now() + timedelta(milliseconds=200))
    waiting = await engine.submit(type="limit", limit_price=Decimal(900))
    await engine.route(failed)
    await asyncio.sleep(0.3)
    await engine.execute(failed)
    assert (await engine.order(failed)).status == "failed"
    engine.start_reclaimer(WEEK)
    found = await until(engine, lambda rows: failed in rows)
    assert (found[failed]["lamports"], waiting in found) == (None, False)
    await engine.stop()
    engine.start_reclaimer(SHORT)
    await until(engine, lambda rows: not rows)
    assert await reclaims(engine) == []


async def test_the_table_can_be_made_anew_from_the_log(engine: EngineHarness):
    order_ids = await confirmed(engine, 2)
    await past_its_height(engine, *order_ids)
    engine.start_reclaimer(SHORT)
    before = await until(engine, lambda rows: len(rows) == 2 and all(row["returned"] for row in rows.values()))
    await engine.stop()
    async with engine.pool.connection() as connection:
        await connection.execute("delete from guards")
        await connection.execute("delete from positions where processor = %s", [RECLAIM])
    engine.start_reclaimer(WEEK)
    assert await until(engine, lambda rows: len(rows) == 2 and all(row["returned"] for row in rows.values())) == before
    assert len(await reclaims(engine)) == 1


class Changed:
    """The chain, some of its methods put in place of its own."""

    def __init__(self, chain: SolanaChain, **methods: Any) -> None:
        self._chain, self._methods = chain, methods

    def __getattr__(self, name: str) -> Any:
        return self._methods.get(name) or getattr(self._chain, name)


def blind_to_tokens(chain: SolanaChain) -> Callable[..., Awaitable[GuardsSeen]]:
    """As if tokens came in between the look and the landing, again and again: what holds tokens can't be closed."""

    async def guards(*asked: Any) -> GuardsSeen:
        seen = await chain.guards(*asked)
        return replace(seen, there={guard: replace(account, tokens=0) for guard, account in seen.there.items()})

    return guards


async def simulates_well(message: MessageV0) -> Simulation:
    return Simulation(None, 60_000)


async def halt(engine: EngineHarness) -> None:
    found = ContradictionFound(
        kind="second_success", order_id=UUID(int=1), attempt=1, signature=secrets.token_hex(8), detail="a test's"
    )
    assert await engine.accounts.contradict(DEFAULT_ACCOUNT, found)


async def past_its_height(engine: EngineHarness, *order_ids: UUID) -> None:
    """Return once nothing that was signed for the orders can land any more, and what runs knows of it."""
    last = max([(await engine.order(order_id)).attempts[-1].lands_until for order_id in order_ids])
    await pass_finalized(engine.rpc_url, last)
    if not engine.running:
        return
    await engine.projected()
    async with asyncio.timeout(30):
        while {*order_ids} & {*(await engine.work.tracked())[1]}:
            await asyncio.sleep(0.05)


async def is_there(engine: EngineHarness, order_id: UUID) -> bool:
    guard = guard_of(engine, order_id)
    return guard in (await engine.chain.guards(engine.genesis_hash, [guard])).there


def transfer_lamports(engine: EngineHarness, to: str, lamports: int) -> Instruction:
    wallet = Pubkey.from_string(engine.wallet.address)
    return transfer(TransferParams(from_pubkey=wallet, to_pubkey=Pubkey.from_string(to), lamports=lamports))


def transfer_tokens(engine: EngineHarness, to: str, amount: int) -> Instruction:
    """From the wallet's own account of USDC: whose tokens they were makes no difference."""
    wallet = Pubkey.from_string(engine.wallet.address)
    source = Pubkey.from_string(token_account_of(engine.wallet.address))
    accounts = [
        AccountMeta(source, False, True),
        AccountMeta(Pubkey.from_string(to), False, True),
        AccountMeta(wallet, True, False),
    ]
    return Instruction(TOKEN, b"\x03" + amount.to_bytes(8, "little"), accounts)


async def pay(engine: EngineHarness, instruction: Instruction) -> None:
    """Land a transaction that the engine knows nothing of, finalized."""
    blockhash = Hash.from_string((await engine.chain.latest_blockhash()).blockhash)
    wallet = Pubkey.from_string(engine.wallet.address)
    await landed(engine, engine.wallet.sign(MessageV0.try_compile(wallet, [instruction], [], blockhash)))


async def close_outside(engine: EngineHarness, guard: str) -> None:
    """What somebody does who has both keys, and isn't this engine."""
    key = engine.wallet.guard_key()
    message = compose_reclaim(
        [ClosingGuard(guard)],
        wallet=engine.wallet.address,
        authority=key.authority,
        reclaim_id=uuid4(),
        blockhash=(await engine.chain.latest_blockhash()).blockhash,
    )
    await landed(engine, engine.wallet.sign_reclaim(message, key))


async def landed(engine: EngineHarness, signed: VersionedTransaction) -> None:
    await engine.chain.send(bytes(signed))
    async with asyncio.timeout(15):
        while not (status := (await engine.chain.statuses([str(signed.signatures[0])])).found[0]) or (
            status.commitment != "finalized"
        ):
            await asyncio.sleep(0.05)
    assert not status.failed


async def test_guards_that_nothing_can_be_done_with_keep_no_others_from_being_closed(
    engine: EngineHarness, monkeypatch: pytest.MonkeyPatch
):
    *theirs, ours = await confirmed(engine, 3)
    await past_its_height(engine, *theirs, ours)
    following = engine.start_reclaimer(WEEK)
    await until(engine, lambda rows: len(rows) == 3)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    # An account whose wallet isn't here, and as many of its guards as are looked at at once.
    monkeypatch.setattr(reclaimer, "DUE_AT_ONCE", 2)
    async with engine.pool.connection() as connection:
        await connection.execute(
            "update guards set account_id = %s, since = since - interval '1 hour' where order_id = any(%s)",
            [uuid4(), theirs],
        )
    engine.start_reclaimer(SHORT)
    found = await until(engine, lambda rows: rows[ours]["returned"])
    assert all("wallet" in found[order_id]["obstacle"] for order_id in theirs)
