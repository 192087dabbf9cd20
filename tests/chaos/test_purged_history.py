"""A node that has cleaned up the blocks: what it can't show stays undecided, until another can or an operator says."""

from __future__ import annotations

import pytest

from commands.ids import DEFAULT_ACCOUNT
from domain.account import ContradictionFound
from domain.errors import DomainError
from domain.events import OrderRestated
from projections.uncertainty import uncertainty_of
from tests.chaos.execution import PAST_ITS_LIFE, QUICK, asked, execute, on_chain, undecided, until
from tests.chaos.node import FaultyNode
from tests.chaos.verdict import gained, judge
from tests.golden.account_runs import confirmed_and_purged
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_contradictions import landed as record_landing
from workers.tracker.resolve import Landed, Resolver


async def test_a_landing_whose_history_was_purged_stays_undecided_until_another_can_see_it(
    engine: EngineHarness, node: FaultyNode
) -> None:
    blind = await node.fault("blind")
    execute(engine)
    order_id = await engine.submit()
    await until(lambda: on_chain(node, order_id))
    await engine.until(order_id, lambda order: order.status == "submitted")
    await node.fault("purged", keeps=20)
    await node.blocks(PAST_ITS_LIFE)
    await node.clear(blind)
    await asked(node, "getGenesisHash", 5)
    assert undecided(await engine.order(order_id))
    await node.clear()
    await engine.until(order_id, lambda order: order.ended)
    await judge(engine, node, [order_id])


@pytest.mark.parametrize("word", ["stands", "lost"])
async def test_of_a_confirmed_swap_whose_history_was_purged_an_operator_says_whether_it_stands(
    engine: EngineHarness, node: FaultyNode, word: str
) -> None:
    order_id = await confirmed_and_purged(engine, node)
    resolver = Resolver(engine.orders, engine.accounts, engine.chain)

    async def is_said_to_be_permanent() -> bool:
        uncertainty = await uncertainty_of(engine.pool, order_id, [1])
        return uncertainty is not None and uncertainty.permanent

    async def is_let_go() -> bool:
        return order_id not in (await engine.work.tracked())[1]

    await until(is_said_to_be_permanent)
    with pytest.raises(DomainError) as ended:
        await resolver.expired(order_id, 1, "it never landed", now())
    assert ended.value.code == "attempt_ended"
    assert not await is_let_go()
    before = await engine.history(order_id)

    await getattr(resolver, word)(order_id, 1, "the explorer shows it")

    await until(is_let_go)
    assert await uncertainty_of(engine.pool, order_id, [1]) is None
    assert (await engine.history(order_id)).version == before.version
    assert (await engine.order(order_id)).status == "confirmed"
    halted = (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted
    contradictions = [found.kind for found in await engine.accounts.contradictions(DEFAULT_ACCOUNT)]
    assert (halted, contradictions) == ((True, ["confirmed_lost"]) if word == "lost" else (False, []))
    with pytest.raises(DomainError) as again:
        await getattr(resolver, word)(order_id, 1, "again")
    assert again.value.code == "attempt_ended"
    # Both streams go on: a contradiction that comes later finds its version.
    other = ContradictionFound(
        kind="second_success", order_id=order_id, attempt=2, signature="another", detail="it landed too"
    )
    assert await engine.accounts.contradict(DEFAULT_ACCOUNT, other)


async def test_of_what_a_node_can_still_show_no_operator_says_whether_it_stands(
    engine: EngineHarness, node: FaultyNode
) -> None:
    order_id = await engine.submit()
    await engine.execute(order_id)
    resolver = Resolver(engine.orders, engine.accounts, engine.chain)
    for word in (resolver.stands, resolver.lost):
        with pytest.raises(DomainError) as live:
            await word(order_id, 1, "because")
        assert live.value.code == "not_confirmed"
    await record_landing(engine, order_id, 1)
    for word in (resolver.stands, resolver.lost):
        with pytest.raises(DomainError) as known:
            await word(order_id, 1, "because")
        assert known.value.code == "still_knowable"


async def test_what_an_operator_says_landed_is_put_right_once_a_node_shows_it(
    engine: EngineHarness, node: FaultyNode
) -> None:
    engine.start_projector()
    order_id = await engine.submit()
    await engine.execute(order_id)
    await node.fault("blind")
    await node.fault("purged", keeps=20)
    await node.blocks(PAST_ITS_LIFE)
    engine.start_tracker(QUICK)

    async def is_tracked() -> bool:
        return order_id in (await engine.work.tracked())[1]

    async def is_let_go() -> bool:
        return not await is_tracked()

    await until(is_tracked)
    resolver = Resolver(engine.orders, engine.accounts, engine.chain)
    minimum = (await engine.order(order_id)).attempts[0].minimum_out
    await resolver.landed(order_id, 1, Landed(7, minimum, 5_000), "seen at an archive", now())

    async def is_certain() -> bool:
        return await uncertainty_of(engine.pool, order_id, [1]) is None

    await until(is_certain)
    await asked(node, "getEpochInfo", 5)
    # It is followed on without a word: a person has said what no node can.
    assert await is_certain()
    await node.clear()
    order = await engine.until(order_id, lambda order: order.is_settled)
    restated = (await engine.history(order_id)).events[-1]
    assert isinstance(restated, OrderRestated)
    assert (restated.reason, restated.instead_of) == ("other_amounts", order.attempts[0].signature)
    assert order.fill
    assert order.fill.amount_out > minimum
    assert order.fill.amount_out == await gained(node, order.attempts[0].signature, order.token_out.mint)
    assert not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted
    await until(is_let_go)
