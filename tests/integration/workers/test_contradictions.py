"""What the log rules out and the chain shows all the same: noted once, and nothing more is signed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from chains.protocol import ExpiryQuestion, Inconclusive, SentTransaction
from commands.ids import DEFAULT_ACCOUNT
from domain.account import ContradictionFound
from domain.commands import RecordExpiry, RecordLanding
from domain.errors import DomainError
from domain.evidence import Block, EndpointEvidence, ExpiryEvidence, OperatorEvidence
from domain.order import Attempt
from tests.integration.workers.conftest import EngineHarness, now
from tests.integration.workers.test_execution import QUICK, names
from workers.execution.sending import signed_bytes
from workers.tracker.resolve import Landed, Resolver
from workers.tracker.tracker import Pace


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


async def test_a_second_success_is_noted_once_and_halts_trading_until_an_operator_resumes_it(engine: EngineHarness):
    order_id = await engine.submit()
    await engine.build(order_id)
    first = signed_bytes(await engine.history(order_id), 1)
    evidence = forged((await engine.order(order_id)).attempts[0])
    await engine.orders.execute(await engine.history(order_id), RecordExpiry(1, evidence, now()))
    await engine.execute(order_id)
    engine.start_tracker(QUICK)
    await engine.until(order_id, lambda order: order.ended)
    await engine.stop()
    # Nobody follows an attempt that is proven expired: what lands of it, `surefill verify` finds, or a person.
    history = await engine.history(order_id)
    assert names(history)[-1] == "OrderConfirmed"
    found = ContradictionFound(
        kind="second_success",
        order_id=order_id,
        attempt=1,
        signature=history.order.attempts[0].signature if history.order else "",
        detail="it landed too",
    )
    await engine.chain.send(first)
    assert await engine.accounts.contradict(DEFAULT_ACCOUNT, found)
    assert not await engine.accounts.contradict(DEFAULT_ACCOUNT, found)
    assert (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted

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

    await engine.accounts.resume(DEFAULT_ACCOUNT, "looked at by hand")
    await engine.build(held)
    assert len((await engine.order(held)).attempts) == 1
    with pytest.raises(DomainError, match="nothing to resume"):
        await engine.accounts.resume(DEFAULT_ACCOUNT, "again")


async def test_a_late_landing_the_tracker_follows_halts_the_account(engine: EngineHarness):
    order_id = await engine.submit()
    await engine.build(order_id)
    first = signed_bytes(await engine.history(order_id), 1)
    evidence = forged((await engine.order(order_id)).attempts[0])
    await engine.orders.execute(await engine.history(order_id), RecordExpiry(1, evidence, now()))
    await engine.build(order_id)
    second = await engine.order(order_id)
    assert len(second.attempts) == 2
    # The first, wrongly called expired, lands; the order accepts it, and the second is followed on.
    await engine.chain.send(first)
    never = Pace(poll=0.02, poll_confirmed=0.05, rebroadcast=99, first_send=99, heights=0.05, proof=0.1)
    await landed(engine, order_id, 1)
    engine.start_tracker(never)
    await engine.chain.send(signed_bytes(await engine.history(order_id), 2))
    async with asyncio.timeout(15):
        while not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted:
            await asyncio.sleep(0.05)
    [found] = await engine.accounts.contradictions(DEFAULT_ACCOUNT)
    assert (found.kind, found.attempt) == ("second_success", 2)


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
    resolver = Resolver(engine.orders, engine.chain)
    with pytest.raises(DomainError) as refused:
        await resolver.expired(order_id, 1, "because", now())
    assert refused.value.code == "still_knowable"
    with pytest.raises(DomainError) as unknown:
        await resolver.expired(order_id, 2, "because", now())
    assert unknown.value.code == "unknown_attempt"


class Purged:
    """A chain all of whose endpoints have purged the history; everything else is the real one."""

    def __init__(self, chain: object) -> None:
        self._chain = chain

    def __getattr__(self, name: str) -> object:
        return getattr(self._chain, name)

    async def expiry_evidence(self, question: ExpiryQuestion) -> Inconclusive:
        return Inconclusive("its blocks begin at slot 900", permanent=True)


async def test_an_operator_ends_what_can_never_be_known_with_the_reason_kept(engine: EngineHarness):
    resolver = Resolver(engine.orders, Purged(engine.chain))  # type: ignore[arg-type]
    lost, swapped = await engine.submit(), await engine.submit()
    for order_id in (lost, swapped):
        await engine.build(order_id)
    after = await resolver.expired(lost, 1, "history purged, wallet unmoved", now())
    assert after.order
    assert after.order.status == "routing"
    assert after.events[-1].evidence == OperatorEvidence(because="history purged, wallet unmoved")  # type: ignore[attr-defined]
    done = await resolver.landed(swapped, 1, Landed(7, 74_000_000, 5_000), "seen at an archive", now())
    assert done.order
    assert done.order.fill
    assert (done.order.status, done.order.fill.amount_out) == ("confirmed", 74_000_000)
    assert names(done)[-2:] == ["TransactionSubmitted", "OrderConfirmed"]


async def test_what_is_not_known_is_said_with_the_order_until_it_is(engine: EngineHarness):
    order_id = await engine.submit()
    await engine.build(order_id)
    await engine.work.record_uncertainty(order_id, 1, "the node is unreachable", permanent=False)
    await engine.work.record_uncertainty(order_id, 1, "its blocks are gone", permanent=True)
    async with engine.pool.connection() as connection:
        rows = await (await connection.execute("select reason, permanent from uncertainties")).fetchall()
    assert rows == [("its blocks are gone", True)]
