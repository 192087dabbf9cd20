"""A process that remembers an order reads what another has made of it since, and knows the same as one that is new."""

from __future__ import annotations

from commands.orders import Orders
from tests.integration.workers.conftest import Desks
from tests.integration.workers.letters import append_from_the_future
from tests.integration.workers.test_contradictions import run_to


async def test_what_others_wrote_since_is_read_and_makes_the_same_history(desks: Desks) -> None:
    order_id = await desks.submit()
    remembers, anew = (
        Orders(desks.events, desks.orders._appender, desks.orders._mapper, recent=recent) for recent in (10, 0)
    )
    first = (await remembers.load([order_id])).histories[order_id]
    await run_to(desks, order_id, "submit")
    later = (await remembers.load([order_id])).histories[order_id]
    assert (first.version, later.version) == (2, 5)
    assert later == (await anew.load([order_id])).histories[order_id]
    assert (await remembers.load([order_id])).histories[order_id] is later


async def test_an_order_that_can_no_longer_be_read_is_not_answered_from_memory(desks: Desks) -> None:
    order_id = await desks.submit()
    assert order_id in (await desks.orders.load([order_id])).histories
    await append_from_the_future(desks, order_id)
    for _ in range(2):
        loaded = await desks.orders.load([order_id])
        assert (list(loaded.histories), list(loaded.unreadable)) == ([], [order_id])
