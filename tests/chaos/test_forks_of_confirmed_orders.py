"""A fork under what was confirmed: the order is restated as the chain has it for good, and nothing is signed for it."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from commands.ids import DEFAULT_ACCOUNT
from domain import events as e
from domain.commands import RequestCancel
from domain.order import Order
from domain.tokens import USDC
from tests.chaos.execution import QUICK, asked, on_chain, until
from tests.chaos.node import FaultyNode
from tests.chaos.verdict import gained
from tests.integration.workers.harness import EngineHarness
from workers.execution.sending import signed_bytes
from workers.tracker.tracker import Pace

SENDS_NOTHING = replace(QUICK, rebroadcast=999, first_send=999)
TO_FINALITY = 40  # blocks


async def confirmed_and_forked(engine: EngineHarness, node: FaultyNode, pace: Pace, order_id: UUID) -> Order:
    """The order, confirmed by its first transaction, whose block a fork then drops; no block is made after it."""
    await node.blocks(2)
    engine.start_projector()
    engine.start_tracker(pace)
    confirmed = await engine.until(order_id, lambda order: order.status == "confirmed")
    await drop_block_of(node, confirmed.fill.slot if confirmed.fill else 0)
    assert await on_chain(node, order_id) == []
    return confirmed


async def drop_block_of(node: FaultyNode, slot: int) -> None:
    newest = await node.truth("getSlot", {"commitment": "processed"})
    assert await node.fork(newest - slot + 1, confirmed=True)


async def send(engine: EngineHarness, order_id: UUID, number: int) -> None:
    await engine.chain.send(signed_bytes(await engine.history(order_id), number))


async def restated(engine: EngineHarness, order_id: UUID) -> tuple[Order, e.OrderRestated]:
    def is_restated(order: Order) -> bool:
        return order.is_settled or order.status != "confirmed"

    order = await engine.until(order_id, is_restated, within=30)
    (event,) = [one for one in (await engine.history(order_id)).events if isinstance(one, e.OrderRestated)]
    return order, event


async def judge(engine: EngineHarness, node: FaultyNode, order_id: UUID, success: str) -> None:
    """One success on the chain, of which the order says what it moved; every other attempt ends, and nothing halts."""
    order = await engine.until(order_id, lambda order: not order.live_attempts, within=30)
    assert [one["signature"] for one in await on_chain(node, order_id) if one["err"] is None] == [success]
    if order.fill:
        assert order.fill.tx_hash == success
        assert order.fill.amount_out == await gained(node, success, USDC.mint)
    assert not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted

    async def is_let_go() -> bool:
        return order_id not in (await engine.work.tracked())[1]

    await until(is_let_go)


async def test_the_same_swap_in_another_slot_is_restated(engine: EngineHarness, node: FaultyNode) -> None:
    await node.fault("stall")
    order_id = await engine.submit()
    await engine.execute(order_id)
    dropped = await node.fault("drop")
    before = await confirmed_and_forked(engine, node, QUICK, order_id)
    assert before.fill
    await node.clear(dropped)
    # The tracker sends the winner again until it is final.
    await until(lambda: landed_again(node, order_id))
    await node.clear()

    order, event = await restated(engine, order_id)

    assert (event.reason, event.instead_of) == ("other_slot", before.fill.tx_hash)
    assert order.fill
    assert order.fill.slot > before.fill.slot
    assert len(order.attempts) == 1
    await judge(engine, node, order_id, before.fill.tx_hash)


async def landed_again(node: FaultyNode, order_id: UUID) -> bool:
    await node.blocks(2)
    return bool(await on_chain(node, order_id))


async def test_the_same_swap_with_other_amounts_is_restated(engine: EngineHarness, node: FaultyNode) -> None:
    await node.fault("stall")
    order_id, rival = await engine.submit(slippage_bps=5_000), await engine.submit(amount_in=10**12, slippage_bps=5_000)
    await engine.build(rival)
    await engine.execute(order_id)
    before = await confirmed_and_forked(engine, node, SENDS_NOTHING, order_id)
    # In the other fork somebody was faster.
    await send(engine, rival, 1)
    await send(engine, order_id, 1)
    await node.clear()

    order, event = await restated(engine, order_id)

    assert event.reason == "other_amounts"
    assert order.fill
    assert before.fill
    assert order.fill.amount_out < before.fill.amount_out
    assert order.fill.executed_price < before.fill.executed_price
    await judge(engine, node, order_id, before.fill.tx_hash)


async def two_attempts(engine: EngineHarness, node: FaultyNode) -> UUID:
    """An order whose first swap has just reached the node; the second, which joined it, hasn't. No block comes."""
    engine.settings = engine.settings.model_copy(update={"replace_after": 0.1})
    dropped = await node.fault("drop")
    order_id = await engine.submit()
    await engine.execute(order_id)

    async def is_joined() -> bool:
        await engine.execute(order_id)
        return len((await engine.order(order_id)).live_attempts) == 2

    await until(is_joined)
    await node.fault("stall")
    await node.clear(dropped)
    await send(engine, order_id, 1)
    return order_id


async def test_a_sibling_that_landed_in_the_place_of_a_confirmed_swap_is_the_orders_swap(
    engine: EngineHarness, node: FaultyNode
) -> None:
    order_id = await two_attempts(engine, node)
    before = await confirmed_and_forked(engine, node, SENDS_NOTHING, order_id)
    first, second = (attempt.signature for attempt in before.attempts)
    await send(engine, order_id, 2)
    await node.blocks(TO_FINALITY)

    order, event = await restated(engine, order_id)

    assert (event.reason, event.instead_of, event.tx_hash) == ("another_attempt", first, second)
    assert [attempt.end for attempt in order.attempts] == [None, "confirmed"]
    # What was confirmed reaches a block after all: it fails, at the cost of its fee, which is the order's.
    await send(engine, order_id, 1)
    await node.clear()
    await judge(engine, node, order_id, second)
    order = await engine.order(order_id)
    assert [attempt.end for attempt in order.attempts] == ["rejected", "confirmed"]
    assert event.network_fee_lamports < (order.fill.network_fee_lamports if order.fill else 0)


async def test_nothing_is_concluded_while_a_sibling_is_not_final(engine: EngineHarness, node: FaultyNode) -> None:
    order_id = await two_attempts(engine, node)
    await confirmed_and_forked(engine, node, SENDS_NOTHING, order_id)
    await send(engine, order_id, 2)
    await node.blocks(5)
    before = await engine.history(order_id)
    await asked(node, "getSignatureStatuses", 20)
    assert await engine.history(order_id) == before
    assert not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted
    # The first fork wins after all.
    slot = (await on_chain(node, order_id))[0]["slot"]
    await drop_block_of(node, slot)
    await send(engine, order_id, 1)
    await node.clear()
    _, event = await restated(engine, order_id)
    assert event.reason == "other_slot"
    await judge(engine, node, order_id, event.tx_hash)


async def test_a_cancel_that_landed_in_the_place_of_a_confirmed_swap_ends_the_order_as_cancelled(
    engine: EngineHarness, node: FaultyNode
) -> None:
    await node.fault("stall")
    order_id = await engine.submit()
    await engine.execute(order_id)
    request = RequestCancel(by="operator@host", because="it was sold elsewhere")
    await engine.orders.execute(await engine.history(order_id), request)
    dropped = await node.fault("drop")
    await engine.execute(order_id)
    await node.clear(dropped)
    before = await confirmed_and_forked(engine, node, SENDS_NOTHING, order_id)
    swap, cancel = (attempt.signature for attempt in before.attempts)
    await send(engine, order_id, 2)
    await node.clear()

    order, event = await restated(engine, order_id)

    assert (event.reason, event.instead_of, event.tx_hash) == ("cancel", swap, cancel)
    assert (order.status, order.fill) == ("cancelled", None)
    assert order.cancellation
    assert order.cancellation.tx_hash == cancel
    await node.blocks(200)  # past the last height at which the swap could land
    await judge(engine, node, order_id, cancel)


async def test_a_confirmed_cancel_that_a_fork_drops_has_ended_nothing_and_the_swap_confirms(
    engine: EngineHarness, node: FaultyNode
) -> None:
    order_id = await engine.submit()
    await engine.build(order_id)
    await engine.orders.execute(await engine.history(order_id), RequestCancel())
    await node.fault("stall")
    await engine.execute(order_id)
    await node.blocks(4)
    engine.start_projector()
    engine.start_tracker(SENDS_NOTHING)
    (cancel,) = await on_chain(node, order_id)
    status = await node.truth("getSignatureStatuses", [cancel["signature"]])
    assert (cancel["err"], status["value"][0]["confirmationStatus"]) == (None, "confirmed")
    await asked(node, "getSignatureStatuses", 20)
    assert (await engine.order(order_id)).status == "submitted"

    await drop_block_of(node, cancel["slot"])
    await send(engine, order_id, 1)
    await node.clear()

    order = await engine.until(order_id, lambda order: order.ended, within=30)
    assert order.status == "confirmed"
    await node.blocks(200)  # past the last height at which the cancel could land
    await judge(engine, node, order_id, order.attempts[0].signature)
