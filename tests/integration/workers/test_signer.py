"""Orders of a wallet whose key is with somebody else: nothing goes out unsigned, whatever the signer answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from chains.http_signer import HttpSigner
from chains.wallet import read_keypair
from domain.commands import RequestCancel
from domain.events import BuildRejected, TransactionBuilt
from runtime.roles import worker
from runtime.roles.parts import Parts
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_execution import QUICK
from tests.integration.workers.test_order_lists import trigger
from tests.stubs.jupiter import serving
from tests.unit.chains.test_signer import SignerStub
from workers.execution.executor import Executor


@pytest.fixture
async def stub(engine: EngineHarness) -> AsyncIterator[SignerStub]:
    stub = SignerStub(key=read_keypair(engine.settings.wallet_file))
    async with serving(stub, web.post("/", stub.sign)):
        yield stub


@pytest.fixture
async def executor(engine: EngineHarness, stub: SignerStub) -> AsyncIterator[Executor]:
    signer = HttpSigner(stub.url, engine.wallet.address, timeout=0.5)
    settings = engine.settings.model_copy(update={"guard_key": "11" * 32, "always_simulate": True})
    parts = Parts(settings, replace(engine.store, orders=engine.orders), engine.market)
    executor = worker.compose(parts, signer, engine.genesis_hash, may_sign=lambda: True)
    yield executor
    await executor.stop()
    await signer.close()


async def test_an_order_is_signed_there_and_confirmed(
    engine: EngineHarness, stub: SignerStub, executor: Executor
) -> None:
    engine.start_tracker(QUICK)
    order_id = await engine.submit()
    await engine.execute(order_id, executor=executor)
    assert (await engine.until(order_id, lambda order: order.ended)).status == "confirmed"
    assert len(stub.asked) == 1


@pytest.mark.parametrize("terms", [{}, {"time_in_force": "ioc"}, {"type": "limit", "limit_price": Decimal(1)}], ids=str)
async def test_what_its_rules_refuse_ends_the_order_and_says_why(
    engine: EngineHarness, stub: SignerStub, executor: Executor, terms: dict[str, Any]
) -> None:
    stub.answer = web.json_response({"error": "more than this wallet may swap"}, status=403)
    order_id = await engine.submit(**terms)
    if terms.get("type") == "limit":
        await trigger(engine, order_id)
    for _ in range(2):
        await engine.execute(order_id, executor=executor)
    history = await engine.history(order_id)
    assert [(one.code, one.detail) for one in history.events if isinstance(one, BuildRejected)] == [
        ("signer_refused", "the signer refuses: more than this wallet may swap")
    ]
    assert history.order is not None
    assert history.order.failure is not None
    assert (history.order.status, history.order.failure.code) == ("failed", "signer_refused")
    assert (history.order.failure.retryable, history.order.attempts, len(stub.asked)) == (False, (), 1)


@pytest.mark.parametrize("fault", ["is kept from us", "hangs", "answers another's"])
async def test_without_a_signature_the_order_waits_and_goes_on_when_there_is_one(
    engine: EngineHarness, stub: SignerStub, executor: Executor, fault: str
) -> None:
    engine.start_tracker(QUICK)
    honest = stub.key
    if fault == "is kept from us":
        stub.answer = web.Response(text="<html>blocked</html>", status=403)
    elif fault == "hangs":
        stub.delay = 3.0
    else:
        stub.key = SignerStub().key
    order_id = await engine.submit()
    await engine.execute(order_id, executor=executor)
    events = (await engine.history(order_id)).events
    assert [event.code for event in events if isinstance(event, BuildRejected)] == ["signer_unavailable"]
    assert not [event for event in events if isinstance(event, TransactionBuilt)]
    stub.answer, stub.delay, stub.key = None, 0.0, honest
    await engine.execute(order_id, executor=executor)
    assert (await engine.until(order_id, lambda order: order.ended)).status == "confirmed"


async def test_a_cancel_that_nobody_signs_yet_is_tried_again(
    engine: EngineHarness, stub: SignerStub, executor: Executor
) -> None:
    order_id = await engine.submit()
    await engine.execute(order_id, executor=executor)
    history = await engine.history(order_id)
    await engine.orders.execute(history, RequestCancel("cancelled"))
    stub.answer = web.json_response({"error": "policy"}, status=403)
    await engine.execute(order_id, executor=executor)
    order = await engine.order(order_id)
    assert [attempt.purpose for attempt in order.attempts] == ["swap"]
    stub.answer = None
    await engine.execute(order_id, executor=executor)
    order = await engine.order(order_id)
    assert [attempt.purpose for attempt in order.attempts] == ["swap", "cancel"]
