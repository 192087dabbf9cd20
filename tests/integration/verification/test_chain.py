"""The chain is asked about every transaction that carries our memo, and says exactly what the log says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from chains.transactions import MEMO_PROGRAM, compose, memo_text
from chains.wallet import read_keypair
from event_store.types import RecordedEvent
from tests.integration.verification.conftest import AuditHarness
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_execution import QUICK
from verification.report import EQUAL, UNCHECKED

NOBODY = "http://127.0.0.1:1"


@pytest.fixture
async def traded(engine: EngineHarness, audit: AuditHarness) -> AsyncIterator[list[UUID]]:
    """Three confirmed orders; everything that could go on has stopped."""
    engine.start_projector()
    engine.start_worker()
    engine.start_tracker(QUICK)
    ids = await asyncio.gather(*(engine.submit() for _ in range(3)))
    for order_id in ids:
        assert (await engine.until(order_id, lambda order: order.ended)).status == "confirmed"
    await engine.stop()
    await audit.project()
    yield list(ids)


async def send(engine: EngineHarness, message: MessageV0, *signers: Keypair) -> str:
    """Land a transaction that the engine knows nothing of; returns its signature."""
    transaction = VersionedTransaction(message, signers) if signers else engine.wallet.sign(message)
    signature = str(transaction.signatures[0])
    assert await engine.chain.send(bytes(transaction)) == "accepted"
    async with asyncio.timeout(10):
        while (await engine.chain.statuses([signature])).found[0] is None:
            await asyncio.sleep(0.02)
        confirmed = ("confirmed", "finalized")
        while (status := (await engine.chain.statuses([signature])).found[0]) and status.commitment not in confirmed:
            await asyncio.sleep(0.02)
    return signature


async def finalized(engine: EngineHarness, signature: str) -> None:
    async with asyncio.timeout(10):
        while not ((one := (await engine.chain.statuses([signature])).found[0]) and one.commitment == "finalized"):
            await asyncio.sleep(0.02)


async def test_orders_that_were_executed_are_what_the_chain_shows(
    engine: EngineHarness, audit: AuditHarness, traded: list[UUID]
) -> None:
    verified = await audit.verify(node=engine.rpc_url)

    assert verified.findings == []
    assert verified.report.looked_at["transactions"] == 3
    assert verified.report.exit_code == EQUAL


async def test_an_attempt_that_failed_on_the_chain_costs_the_fee_that_was_recorded(
    engine: EngineHarness, audit: AuditHarness
) -> None:
    order_id = await engine.submit(slippage_bps=0)
    await engine.build(order_id)
    rival = await engine.submit(amount_in=10 * 10**9)
    await engine.execute(rival)
    engine.start_tracker(QUICK)
    await engine.until(rival, lambda order: order.ended)
    await engine.execute(order_id)
    await engine.until(order_id, lambda order: order.attempts[0].end == "rejected")
    await engine.stop()
    await audit.project()

    verified = await audit.verify(node=engine.rpc_url)

    assert verified.findings == []
    assert verified.report.looked_at["transactions"] == 2


async def test_an_order_on_its_way_is_named_and_held_against_nobody(engine: EngineHarness, audit: AuditHarness) -> None:
    landed, unsent = await engine.submit(), await engine.submit()
    await engine.build(landed, unsent)
    await engine.execute(landed)
    await audit.project()
    signature = (await engine.order(landed)).attempts[0].signature
    await finalized(engine, signature)

    verified = await audit.verify(node=engine.rpc_url)

    said = {one.stream_id: one.what for one in verified.of("pending")}
    assert "succeeded on the chain, which the log doesn't say yet" in said[landed]
    assert "may still land" in said[unsent]
    assert len(verified.findings) == 2
    assert verified.report.exit_code == EQUAL


async def test_our_memo_on_a_transaction_the_log_does_not_know_is_found(
    engine: EngineHarness, audit: AuditHarness, traded: list[UUID]
) -> None:
    blockhash = (await engine.chain.latest_blockhash()).blockhash
    message = compose(
        [],
        guard=[],
        wallet=engine.wallet.address,
        order_id=traded[0],
        attempt=2,
        blockhash=blockhash,
        compute_units=50_000,
    )
    signature = await send(engine, message)

    found = (await audit.verify(node=engine.rpc_url)).of("differs", "chain")

    assert found[0].stream_id == traded[0]
    assert signature in found[0].what
    assert "2 of the order's transactions succeeded" in [one.what for one in found]
    assert any(one.what.startswith("network fees, in lamports: ") for one in found)


async def test_our_memo_in_a_strangers_mouth_counts_for_nothing(
    engine: EngineHarness, audit: AuditHarness, traded: list[UUID]
) -> None:
    stranger = read_keypair(engine.market_key)
    wallet = Pubkey.from_string(engine.wallet.address)
    dust = transfer(TransferParams(from_pubkey=stranger.pubkey(), to_pubkey=wallet, lamports=1))
    memo = Instruction(Pubkey.from_string(MEMO_PROGRAM), memo_text(traded[0], 2).encode(), [])
    blockhash = Hash.from_string((await engine.chain.latest_blockhash()).blockhash)
    await send(engine, MessageV0.try_compile(stranger.pubkey(), [dust, memo], [], blockhash), stranger)

    assert (await audit.verify(node=engine.rpc_url)).findings == []


async def test_amounts_rewritten_with_every_hash_are_not_those_of_the_chain(
    engine: EngineHarness, audit: AuditHarness, traded: list[UUID]
) -> None:
    def better(event: RecordedEvent) -> RecordedEvent:
        if event.stream_id != traded[1] or event.topic != "order.OrderConfirmed":
            return event
        return replace(event, state=event.state.replace(b'"amountOutBaseUnits":"', b'"amountOutBaseUnits":"1'))

    audit.rewrite(better)
    await audit.forget_read_model()

    found = (await audit.verify(node=engine.rpc_url)).of("differs")

    assert found[0].stream_id == traded[1]
    assert found[0].what.startswith("attempt 1: amounts: recorded ")
    assert found[1].what.startswith("EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v: the transactions moved ")


async def test_a_confirmation_of_a_transaction_that_never_was_is_found_in_its_block(
    engine: EngineHarness, audit: AuditHarness, traded: list[UUID]
) -> None:
    real = (await engine.order(traded[1])).attempts[0].signature
    await finalized(engine, real)
    invented = str(Keypair().sign_message(b"never sent"))
    audit.rewrite(lambda event: replace(event, state=event.state.replace(real.encode(), invented.encode())))
    await audit.forget_read_model()

    found = (await audit.verify(node=engine.rpc_url)).of("differs")

    assert real in found[0].what
    assert found[0].what.endswith("unknown to the log")
    assert "the block of that slot does not hold it" in found[1].what


async def test_a_node_that_is_away_leaves_the_chain_unchecked(
    engine: EngineHarness, audit: AuditHarness, traded: list[UUID]
) -> None:
    verified = await audit.verify(node=NOBODY)

    assert [(one.check, one.verdict) for one in verified.findings] == [("chain", "unchecked")]
    assert verified.report.exit_code == UNCHECKED


async def test_a_log_of_another_chain_is_said_to_be_one(
    audit: AuditHarness, engine: EngineHarness, traded: list[UUID]
) -> None:
    other = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
    ours = engine.genesis_hash.encode()
    audit.rewrite(lambda event: replace(event, state=event.state.replace(ours, other.encode())))
    await audit.forget_read_model()

    unchecked = (await audit.verify(node=engine.rpc_url)).of("unchecked")

    assert unchecked[0].what.startswith(f"3 attempts were signed for the chain with genesis {other}; ")


async def test_an_order_the_log_never_had_is_unknown(
    engine: EngineHarness, audit: AuditHarness, traded: list[UUID]
) -> None:
    stranger = uuid4()
    blockhash = (await engine.chain.latest_blockhash()).blockhash
    await send(
        engine,
        compose(
            [],
            guard=[],
            wallet=engine.wallet.address,
            order_id=stranger,
            attempt=1,
            blockhash=blockhash,
            compute_units=50_000,
        ),
    )

    assert (await audit.verify(node=engine.rpc_url)).of("differs")[0].stream_id == stranger
