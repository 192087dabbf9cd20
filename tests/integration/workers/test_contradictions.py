"""What the log rules out and the chain shows all the same: noted once, and nothing more is signed."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from chains.protocol import SentTransaction
from chains.solana_client import SolanaChain
from commands.accounts import Accounts
from commands.ids import DEFAULT_ACCOUNT
from domain.account import ContradictionFound
from domain.commands import RecordExpiry, RecordLanding
from domain.errors import DomainError
from domain.evidence import Block, EndpointEvidence, ExpiryEvidence, OperatorEvidence
from domain.order import Attempt
from tests.integration.chains.endpoint_server import Request, altering, serving
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_execution import QUICK, names
from workers.execution.sending import signed_bytes
from workers.tracker.resolve import Landed, Resolver

SENDS_NOTHING = replace(QUICK, rebroadcast=999, first_send=999)


def forged(attempt: Attempt) -> ExpiryEvidence:
    """What a lying endpoint could have said: complete, and untrue."""
    heights = range(attempt.last_valid_block_height - 150, attempt.last_valid_block_height + 2)
    answer = EndpointEvidence(
        endpoint="liar",
        genesis_hash=attempt.genesis_hash,
        finalized_slot=10**6,
        finalized_height=attempt.last_valid_block_height + 1,
        status_slot=10**6,
        parent_slot=attempt.blockhash_slot,
        blocks=tuple(Block(slot=n, height=n, blockhash=str(n)) for n in heights),
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
    engine: EngineHarness,
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
    engine.start_tracker(SENDS_NOTHING)
    assert not (await accounts.trading(DEFAULT_ACCOUNT)).halted
    await engine.chain.send(signed_bytes(await engine.history(order_id), 2))
    await accounts.asked(1)
    assert (await accounts.trading(DEFAULT_ACCOUNT)).halted
    [found] = await accounts.contradictions(DEFAULT_ACCOUNT)
    second = (await engine.order(order_id)).attempts[1]
    assert (found.kind, found.order_id, found.attempt, found.signature) == (
        "second_success",
        order_id,
        2,
        second.signature,
    )
    await engine.stop()
    engine.start_tracker(SENDS_NOTHING)  # it reads the log anew, and sees the second success again
    await accounts.asked(2)
    await engine.stop()
    assert accounts.recorded == [True, False]
    assert await accounts.contradictions(DEFAULT_ACCOUNT) == [found]

    held = await engine.submit()
    await engine.build(held)
    assert (await engine.order(held)).attempts == ()
    late = await engine.submit(deadline=now() + timedelta(milliseconds=300))
    await engine.route(late)
    await asyncio.sleep(0.4)  # past its deadline
    await engine.execute(late)
    failure = (await engine.order(late)).failure
    assert failure
    assert (failure.code, failure.retryable) == ("trading_halted", True)

    await accounts.resume(DEFAULT_ACCOUNT, "looked at by hand")
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

    def block(_: Request, result: Any) -> Any:
        return {**result, "signatures": []} if lost else result

    order_id = await engine.submit()
    await engine.execute(order_id)
    engine.accounts = accounts = Remembering(engine)
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, {"getSignatureStatuses": statuses, "getBlock": block})) as url,
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


async def landed(engine: EngineHarness, order_id: UUID, number: int) -> None:
    """Record the landing of an attempt nobody follows any more, as soon as it can be read."""
    order = await engine.order(order_id)
    attempt = order.attempts[number - 1]
    sent = SentTransaction(attempt.signature, attempt.wallet, order.token_in.mint, order.token_out.mint)
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
    attempt = (await engine.order(swapped)).attempts[0]
    async with asyncio.timeout(30):
        while await engine.chain.block_height("finalized") <= attempt.last_valid_block_height:
            await asyncio.sleep(0.05)
    purged = {"getFirstAvailableBlock": lambda _, __: attempt.blockhash_slot + 50}
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, purged)) as url,
        SolanaChain(url) as chain,
    ):
        resolver = Resolver(engine.orders, engine.accounts, chain)
        after = await resolver.expired(lost, 1, "history purged, wallet unmoved", now())
        done = await resolver.landed(swapped, 1, Landed(7, 74_000_000, 5_000), "seen at an archive", now())
    assert after.order
    assert after.order.status == "routing"
    assert after.events[-1].evidence == OperatorEvidence(because="history purged, wallet unmoved")  # type: ignore[attr-defined]
    assert done.order
    assert done.order.fill
    assert (done.order.status, done.order.fill.amount_out) == ("confirmed", 74_000_000)
    assert names(done)[-2:] == ["TransactionSubmitted", "OrderConfirmed"]
