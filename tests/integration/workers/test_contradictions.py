"""What the log rules out and the chain shows all the same: noted once, and nothing more is signed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from chains.guard import GUARD_BYTES
from chains.solana_client import SolanaChain
from chains.transactions import compose
from commands.accounts import Accounts
from commands.ids import DEFAULT_ACCOUNT
from domain.account import ContradictionFound
from domain.commands import RecordExpiry, RecordLanding
from domain.errors import DomainError
from domain.evidence import ExpiryEvidence, GuardAbsence, OperatorEvidence
from domain.order import Attempt
from domain.tokens import SOL, USDC
from tests.integration.chains.endpoint_server import Request, altering, serving
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_execution import QUICK, names
from tests.skipping import pass_finalized
from workers.execution.quoting import Quoting
from workers.execution.sending import signed_bytes
from workers.outcome_question import sent_transaction
from workers.tracker.resolve import Landed, Resolver

SENDS_NOTHING = replace(QUICK, rebroadcast=999, first_send=999)


def forged(attempt: Attempt) -> ExpiryEvidence:
    """What a lying endpoint could have said: complete, and untrue."""
    answer = GuardAbsence(
        endpoint="liar",
        genesis_hash=attempt.genesis_hash,
        finalized_slot=10**6,
        finalized_height=attempt.lands_until + 1,
        guard_slot=10**6,
        status_slot=10**6,
        blockhash_slot=10**6,
    )
    return ExpiryEvidence(endpoints=(answer,))


class Remembering(Accounts):
    """The engine's own, which keeps what it answered to whoever found a contradiction."""

    def __init__(self, engine: EngineHarness) -> None:
        super().__init__(engine.events, engine.orders._appender, engine.orders._mapper)
        self.recorded: list[bool] = []

    async def contradict(self, account_id: UUID, found: ContradictionFound, **how: Any) -> bool:
        self.recorded.append(await super().contradict(account_id, found, **how))
        return self.recorded[-1]

    async def asked(self, times: int) -> None:
        async with asyncio.timeout(30):
            while len(self.recorded) < times:
                await asyncio.sleep(0.02)


async def test_a_second_success_the_tracker_sees_is_noted_once_and_halts_trading_until_an_operator_resumes_it(
    engine: EngineHarness, rpc_url: str
):
    order_id = await engine.submit()
    await engine.build(order_id)
    first = signed_bytes(await engine.history(order_id), 1)
    evidence = forged((await engine.order(order_id)).attempts[0])
    await engine.orders.execute(await engine.history(order_id), RecordExpiry(1, evidence, now()))
    await engine.build(order_id)
    # The first, wrongly called expired, lands; the order accepts it, and the second is followed on.
    await engine.chain.send(first)
    await landed(engine, order_id, 1)
    engine.accounts = accounts = Remembering(engine)
    won, second = (await engine.order(order_id)).attempts
    shown = await told(rpc_url, won.signature)

    # The chain would let the second fail: a node that lies calls it a success.
    def statuses(request: Request, result: Any) -> Any:
        said = {"slot": 1, "confirmations": None, "err": None, "confirmationStatus": "finalized"}
        asked = zip(request["params"][0], result["value"], strict=True)
        return {**result, "value": [said if one == second.signature else status for one, status in asked]}

    def transaction(request: Request, result: Any) -> Any:
        if request["params"][0] != second.signature:
            return result
        return {**shown, "transaction": {**shown["transaction"], "signatures": [second.signature]}}

    changes = {"getSignatureStatuses": statuses, "getTransaction": transaction}
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, changes)) as url,
        SolanaChain(url) as chain,
    ):
        honest, engine.chain = engine.chain, chain
        engine.start_tracker(SENDS_NOTHING)
        await accounts.asked(1)
        assert (await accounts.trading(DEFAULT_ACCOUNT)).halted
        [found] = await accounts.contradictions(DEFAULT_ACCOUNT)
        told_of = (found.kind, found.order_id, found.attempt, found.signature)
        assert told_of == ("second_success", order_id, 2, second.signature)
        await engine.stop()
        engine.start_tracker(SENDS_NOTHING)  # it reads the log anew, and sees the second success again
        await accounts.asked(2)
        await engine.stop()
    engine.chain = honest
    assert accounts.recorded == [True, False]
    assert await accounts.contradictions(DEFAULT_ACCOUNT) == [found]

    held = await engine.submit()
    await engine.build(held)
    assert (await engine.order(held)).attempts == ()
    late = await engine.submit(deadline=now() + timedelta(milliseconds=300))
    await engine.route(late)
    await asyncio.sleep(0.4)  # past its deadline
    await engine.execute(late)
    assert (await engine.order(late)).status == "building"  # it waits: its deadline counts once trading is resumed

    await accounts.resume(DEFAULT_ACCOUNT, "looked at by hand")
    await engine.execute(late)
    failure = (await engine.order(late)).failure
    assert failure
    assert (failure.code, failure.retryable) == ("deadline_passed", True)
    await engine.build(held)
    assert len((await engine.order(held)).attempts) == 1
    with pytest.raises(DomainError, match="nothing to resume"):
        await accounts.resume(DEFAULT_ACCOUNT, "again")


async def test_a_confirmed_swap_that_the_chain_shows_no_longer_halts_the_account(engine: EngineHarness, rpc_url: str):
    lost = False

    def statuses(_: Request, result: Any) -> Any:
        # Never final, so that the swap is followed until it is lost.
        value = [one and {**one, "confirmationStatus": "confirmed"} for one in result["value"]]
        return {**result, "value": [None] * len(value) if lost else value}

    def guard(_: Request, result: Any) -> Any:
        return {**result, "value": [None] * len(result["value"])} if lost else result

    def transaction(_: Request, result: Any) -> Any:
        return None if lost else result

    changes = {"getSignatureStatuses": statuses, "getMultipleAccounts": guard, "getTransaction": transaction}
    order_id = await engine.submit()
    await engine.execute(order_id)
    engine.accounts = accounts = Remembering(engine)
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, changes)) as url,
        SolanaChain(url) as engine.chain,
    ):
        engine.start_tracker(QUICK)
        confirmed = await engine.until(order_id, lambda order: order.ended)
        assert confirmed.status == "confirmed"
        assert not (await accounts.trading(DEFAULT_ACCOUNT)).halted
        lost = True
        await accounts.asked(1)
        await engine.stop()
    assert (await accounts.trading(DEFAULT_ACCOUNT)).halted
    [found] = await accounts.contradictions(DEFAULT_ACCOUNT)
    assert (found.kind, found.attempt, found.signature) == ("confirmed_lost", 1, confirmed.attempts[0].signature)
    # What was recorded stays: nothing is signed again for an order that was confirmed.
    assert await engine.order(order_id) == confirmed


async def told(rpc_url: str, signature: str) -> Any:
    """What the node shows of a transaction."""
    config = {"encoding": "json", "commitment": "confirmed", "maxSupportedTransactionVersion": 0}
    call = {"jsonrpc": "2.0", "id": 1, "method": "getTransaction", "params": [signature, config]}
    async with httpx2.AsyncClient(base_url=rpc_url) as node:
        return (await node.post("/", json=call)).json()["result"]


async def landed(engine: EngineHarness, order_id: UUID, number: int) -> None:
    """Record the landing of an attempt nobody follows any more, as soon as it can be read."""
    order = await engine.order(order_id)
    attempt = order.attempts[number - 1]
    sent = sent_transaction(order, attempt)
    async with asyncio.timeout(10):
        while not (found := await engine.chain.landing(sent, "confirmed")):
            await asyncio.sleep(0.02)
    await engine.orders.execute(await engine.history(order_id), RecordLanding(number, found, now()))


async def test_an_operator_may_not_end_what_the_chain_can_still_tell(engine: EngineHarness):
    order_id = await engine.submit()
    await engine.build(order_id)
    resolver = Resolver(engine.orders, engine.accounts, engine.chain)
    with pytest.raises(DomainError) as refused:
        await resolver.expired(order_id, 1, "because", now())
    assert refused.value.code == "still_knowable"
    with pytest.raises(DomainError) as unknown:
        await resolver.expired(order_id, 2, "because", now())
    assert unknown.value.code == "unknown_attempt"


async def test_an_operator_ends_what_can_never_be_known_with_the_reason_kept(engine: EngineHarness, rpc_url: str):
    lost, swapped = await engine.submit(), await engine.submit()
    for order_id in (lost, swapped):
        await engine.build(order_id)
    await engine.chain.send(signed_bytes(await engine.history(swapped), 1))
    lands_until = (await engine.order(swapped)).attempts[0].lands_until
    await pass_finalized(rpc_url, lands_until)

    def no_status(_: Request, result: Any) -> Any:
        return {**result, "value": [None for _ in result["value"]]}

    purged = {"getSignatureStatuses": no_status, "getTransaction": lambda _, __: None}
    async with SolanaChain(rpc_url, extra_urls=["http://127.0.0.1:1"]) as chain:
        # One endpoint of two shows that it never landed, and the other will never answer again.
        resolver = Resolver(engine.orders, engine.accounts, chain)
        after = await resolver.expired(lost, 1, "the other endpoint is gone", now())
        with pytest.raises(DomainError, match="can be read"):
            await resolver.expired(swapped, 1, "the other endpoint is gone", now())
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, purged)) as url,
        SolanaChain(url) as chain,
    ):
        resolver = Resolver(engine.orders, engine.accounts, chain)
        with pytest.raises(DomainError, match="shows the order's guard"):
            await resolver.expired(swapped, 1, "no node knows it", now())
        minimum = (await engine.order(swapped)).attempts[0].minimum_out
        done = await resolver.landed(swapped, 1, Landed(7, minimum + 1, 5_000), "seen at an archive", now())
    assert after.order
    assert after.order.status == "routing"
    assert after.events[-1].evidence == OperatorEvidence(because="the other endpoint is gone")  # type: ignore[attr-defined]
    assert done.order
    assert done.order.fill
    assert (done.order.status, done.order.fill.amount_out) == ("confirmed", minimum + 1)
    assert names(done)[-2:] == ["TransactionSubmitted", "OrderConfirmed"]


async def test_a_second_transaction_of_an_order_signed_outside_fails_on_chain_and_moves_nothing(engine: EngineHarness):
    order_id = await engine.submit()
    engine.start_tracker(QUICK)
    await engine.execute(order_id)
    confirmed = await engine.until(order_id, lambda order: order.ended)
    assert confirmed.fill
    before = await engine.chain.token_balances(engine.wallet.address, [SOL.mint, USDC.mint])

    # Whoever has the wallet's key, and whatever log it comes from: the guard of the order is the same.
    [offer] = [one for one in (await Quoting([engine.book]).ask(confirmed)).offers if one.quote.venue == "Orca"]
    blockhash = await engine.chain.latest_blockhash()
    guard = engine.wallet.guard_key().of_order(engine.wallet.address, order_id)
    signed = engine.wallet.sign(
        compose(
            (await engine.book.swap(offer, owner=engine.wallet.address, minimum_out=1)).instructions,
            guard=guard.instructions(await engine.chain.rent(GUARD_BYTES)),
            wallet=engine.wallet.address,
            order_id=order_id,
            attempt=2,
            blockhash=blockhash.blockhash,
            compute_units=200_000,
        )
    )
    assert await engine.chain.send(bytes(signed)) == "accepted"
    outside = replace(sent_transaction(confirmed, confirmed.attempts[0]), signature=str(signed.signatures[0]))
    async with asyncio.timeout(15):
        while not (landing := await engine.chain.landing(outside, "finalized")):
            await asyncio.sleep(0.05)
    assert landing.error
    assert landing.error.code == "guard_taken"
    assert await engine.chain.token_balances(engine.wallet.address, [SOL.mint, USDC.mint]) == before


async def test_a_node_that_calls_a_swap_failed_that_never_landed_keeps_its_order_from_nothing(
    engine: EngineHarness, rpc_url: str
):
    order_id = await engine.submit()
    await engine.build(order_id)
    said = {"slot": 1, "err": "AccountNotFound", "confirmations": None, "confirmationStatus": "finalized"}

    def statuses(_: Request, result: Any) -> Any:
        return {**result, "value": [said for _ in result["value"]]}

    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, {"getSignatureStatuses": statuses})) as url,
        SolanaChain(url, extra_urls=[rpc_url]) as engine.chain,
    ):
        engine.start_tracker(SENDS_NOTHING)
        await engine.until(order_id, lambda order: order.attempts[0].end == "expired", within=30)
        await engine.stop()


@pytest.mark.parametrize("honest", [False, True], ids=["alone", "beside an honest one"])
async def test_a_node_that_calls_a_landed_swap_failed_causes_no_second_success(
    engine: EngineHarness, rpc_url: str, honest: bool
):
    order_id = await engine.submit()
    await engine.execute(order_id)
    first = (await engine.order(order_id)).attempts[0].signature
    lying = True
    error = {"InstructionError": [4, {"Custom": 1}]}

    def statuses(request: Request, result: Any) -> Any:
        asked = zip(request["params"][0], result["value"], strict=True)
        lie = {"err": error, "status": {"Err": error}, "confirmations": None, "confirmationStatus": "finalized"}
        return {**result, "value": [one and {**one, **lie} if lying and sig == first else one for sig, one in asked]}

    def transaction(request: Request, result: Any) -> Any:
        if not (lying and result and request["params"][0] == first):
            return result
        return {**result, "meta": {**result["meta"], "err": error}}

    changes = {"getSignatureStatuses": statuses, "getTransaction": transaction}
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, changes)) as url,
        SolanaChain(url, extra_urls=[rpc_url] if honest else []) as engine.chain,
    ):
        engine.start_projector()
        engine.start_sweeper()
        engine.start_worker()
        engine.start_tracker(QUICK)
        if not honest:
            # Believed, the lie lets the order go on under the same guard: which is taken, and nothing ends.
            await engine.until(order_id, lambda order: order.obstacle == "guard_taken", within=30)
            assert not (await engine.order(order_id)).ended
            lying = False
        order = await engine.until(order_id, lambda order: order.ended, within=30)
        await engine.stop()
    assert order.fill
    assert (order.status, order.fill.tx_hash) == ("confirmed", first)
    assert not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted
