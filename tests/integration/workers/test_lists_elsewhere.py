"""An OCO that another engine, or the lost end of a log that was put back, has filled: it is filled here by that."""

from __future__ import annotations

import asyncio

import pytest

from domain.codes import Code
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_foreign_transactions import found_behind, recovered, successes
from tests.integration.workers.test_order_lists import settled, started

LEGS = ({}, {"amount_in": 400_000_000})


@pytest.mark.parametrize("posted_before", [True, False], ids=["known to the log", "posted after"])
async def test_a_list_that_was_filled_elsewhere_is_filled_by_that_and_excludes_the_other_order(
    engine: EngineHarness, other: EngineHarness, posted_before: bool
) -> None:
    started(engine)
    theirs = await engine.submit_list("oco", *LEGS, name="same list")
    orders = await settled(engine, theirs)
    (place,) = [place for place, one in enumerate(orders) if one.fill]
    filled = orders[place].fill
    assert filled is not None
    await engine.stop()
    if posted_before:
        # Of the order that lost there a swap is signed here.
        mine = await other.submit_list("oco", *LEGS, name="same list")
        await other.build(mine.order_ids[1 - place])
    await found_behind(other)
    await recovered(other)

    mine = await other.submit_list("oco", *LEGS, name="same list", executed=True)

    assert mine.order_ids == theirs.order_ids
    order = await other.order(mine.order_ids[place])
    assert order.fill is not None and order.fill.tx_hash == filled.tx_hash
    excluded = await other.order(mine.order_ids[1 - place])
    assert excluded.cancellation and excluded.cancellation.code == Code.OTHER_LEG_FILLED
    # Here, too, it ends, whatever was signed for it; and nothing of the list is ever executed again.
    started(other)
    now = await settled(other, mine)
    assert [one.status for one in now] == [one.status for one in orders]
    await asyncio.sleep(0.5)
    found = await successes(other)
    assert {order_id: len(found.get(order_id, [])) for order_id in mine.order_ids} == {
        mine.order_ids[place]: 1,
        mine.order_ids[1 - place]: 0,
    }
