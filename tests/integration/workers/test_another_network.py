"""A worker that was told of another chain than the one that the API takes orders for."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from domain.events import BuildRejected
from tests.integration.workers.harness import EngineHarness


async def test_a_worker_that_takes_the_chain_for_another_than_the_orders_signs_nothing_for_it(
    engine: EngineHarness,
) -> None:
    """Each process asks the node by itself, and may be told wrong for a moment."""
    executor = engine.executor()
    builder = executor._visit.builder
    builder._context = replace(builder._context, genesis_hash="5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d")
    order_id = await engine.submit()
    await engine.execute(order_id, executor=executor)
    order = await engine.order(order_id)
    assert (order.status, order.obstacle, order.attempts) == ("routing", "chain_unavailable", ())
    await engine.execute(order_id)
    assert (await engine.order(order_id)).attempts


async def test_an_order_that_was_taken_for_another_network_is_never_built_and_a_cancel_ends_it_at_once(
    engine: EngineHarness,
) -> None:
    """As of a first start that was told wrong; the order itself says for which network it is."""
    order_id = await engine.submit(network="devnet", type="limit", limit_price=Decimal(100), time_in_force="ioc")
    await engine.execute(order_id)
    history = await engine.history(order_id)
    [rejected] = [event for event in history.events if isinstance(event, BuildRejected)]
    assert rejected.detail == "It is for devnet, and localnet is traded on here."
    ended = (await engine.cancel(order_id)).order
    assert ended and (ended.status, ended.attempts) == ("cancelled", ())
