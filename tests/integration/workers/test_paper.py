"""PAPER: real quotes and nothing signed or sent; real orders wait, and what was sent before is followed."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from commands.ids import DEFAULT_ACCOUNT
from commands.submit import submit_order
from domain.commands import SubmitOrder
from domain.errors import DomainError
from domain.terms import OrderTerms
from domain.tokens import USDC
from projections.order_view import order_view
from runtime.composition import open_market
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_execution import QUICK, names
from workers.execution.sending import signed_bytes

FILLED = ["OrderSubmitted", "OrderTriggered", "OrderRouted", "PaperFilled"]


def paper(engine: EngineHarness, *, on: bool = True) -> None:
    """From here on what is started runs with that setting."""
    engine.settings = engine.settings.model_copy(update={"paper": on})


async def held(engine: EngineHarness) -> tuple[int, int]:
    tokens = await engine.chain.token_balances(engine.wallet.address, [USDC.mint])
    return await engine.chain.lamports(engine.wallet.address), tokens[USDC.mint]


async def test_an_order_is_filled_at_a_real_quote_and_the_wallet_stays_as_it_is(engine: EngineHarness):
    paper(engine)
    before = await held(engine)
    engine.start_projector()
    engine.start_worker()
    engine.start_tracker(QUICK)
    order_id = await engine.submit(paper=True)
    order = await engine.until(order_id, lambda order: order.ended)
    history = await engine.history(order_id)
    assert names(history) == FILLED
    assert order.paper_fill is not None
    assert order.route is not None
    assert order.paper_fill.amount_out == order.route.chosen.amount_out
    view = order_view(order_id, order, history.version, now(), now())
    assert (view.status, view.paper, view.tx_hash) == ("confirmed", True, None)
    assert await held(engine) == before


async def test_an_order_on_paper_stays_on_paper_when_real_ones_are_taken_again(engine: EngineHarness):
    order_id = await engine.submit(paper=True)
    before = await held(engine)
    await engine.execute(order_id)
    assert names(await engine.history(order_id)) == FILLED
    assert await held(engine) == before


async def test_a_real_order_waits_and_goes_on_once_paper_is_off(engine: EngineHarness):
    order_id = await engine.submit()
    paper(engine)
    await engine.execute(order_id)
    assert names(await engine.history(order_id)) == ["OrderSubmitted", "OrderTriggered"]
    paper(engine, on=False)
    await engine.execute(order_id)
    assert names(await engine.history(order_id))[-1] == "TransactionSubmitted"


async def test_a_real_order_past_its_deadline_isnt_ended_on_paper(engine: EngineHarness):
    order_id = await engine.submit(deadline=now() - timedelta(seconds=1))
    paper(engine)
    await engine.execute(order_id)
    assert names(await engine.history(order_id)) == ["OrderSubmitted", "OrderTriggered"]


async def test_what_was_sent_before_is_followed_to_its_end(engine: EngineHarness):
    order_id = await engine.submit()
    await engine.build(order_id)
    await engine.chain.send(signed_bytes(await engine.history(order_id), 1))
    paper(engine)
    engine.start_projector()
    engine.start_tracker(QUICK)
    assert (await engine.until(order_id, lambda order: order.ended)).status == "confirmed"


async def test_what_was_signed_before_is_sent_by_nobody(engine: EngineHarness):
    order_id = await engine.submit()
    await engine.build(order_id)
    paper(engine)
    engine.start_projector()
    engine.start_worker()
    engine.start_tracker(QUICK)
    await engine.execute(order_id)
    await asyncio.sleep(1)
    history = await engine.history(order_id)
    assert names(history)[-1] == "TransactionBuilt"
    assert history.order is not None
    found = await engine.chain.statuses([history.order.attempts[0].signature])
    assert found.found == (None,)


async def test_the_chain_itself_sends_nothing_whoever_asks(engine: EngineHarness):
    order_id = await engine.submit()
    await engine.build(order_id)
    history = await engine.history(order_id)
    async with open_market(engine.settings.model_copy(update={"paper": True}), engine.store) as market:
        assert await market.chain.send(signed_bytes(history, 1)) == "not sent: on paper"
    await asyncio.sleep(0.2)
    assert history.order is not None
    assert (await engine.chain.statuses([history.order.attempts[0].signature])).found == (None,)


async def test_a_client_order_id_of_a_paper_order_is_none_for_a_real_one(engine: EngineHarness):
    on_paper = await engine.submit(paper=True, client_order_id="same")
    assert await engine.submit(paper=True, client_order_id="same") == on_paper
    with pytest.raises(DomainError, match="on paper"):
        await engine.submit(client_order_id="same")
    real = await engine.submit(client_order_id="other")
    order = await engine.order(real)
    assert order.deadline is not None
    terms = OrderTerms(**{name: getattr(order, name) for name in OrderTerms.model_fields})
    again = SubmitOrder(terms, order.deadline, order.network, paper=True)
    accepted = await submit_order(engine.orders, DEFAULT_ACCOUNT, again)
    assert (accepted.order_id, accepted.order.paper) == (real, False)
