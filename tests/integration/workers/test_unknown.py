"""What can't be known of an order while the chain can't be asked is said with it, counted, and taken back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest
import structlog
from prometheus_client import REGISTRY

from chains.solana_client import SolanaChain
from tests.integration.chains.endpoint_server import Request, altering, http, serving
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.test_execution import QUICK
from workers.tracker.chain_silence import NO_ANSWER

PACE = replace(QUICK, uncertain_after=0.4)


async def reasons(engine: EngineHarness) -> list[str]:
    async with engine.pool.connection() as connection:
        return [row[0] for row in await (await connection.execute("select reason from uncertainties")).fetchall()]


async def until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(15):
        while not await holds():
            await asyncio.sleep(0.05)


async def test_no_node_answers(engine: EngineHarness, rpc_url: str) -> None:
    unreachable, sent = True, await engine.submit()
    await engine.execute(sent)

    async with httpx2.AsyncClient(base_url=rpc_url) as node:
        whole = altering(node, {})

        async def sometimes(request: Request) -> bytes | None:
            return http(b"", status="503 Service Unavailable") if unreachable else await whole(request)

        def said(event: str) -> list[Any]:
            return [line.get("reason") for line in logged if line["event"] == event]

        async def is_over() -> bool:
            return bool(said("tracker goes on"))

        async with serving(sometimes) as url, SolanaChain(url) as engine.chain:
            with structlog.testing.capture_logs() as logged:
                engine.start_tracker(PACE)
                await until(lambda: reasons(engine))
                assert await reasons(engine) == ["no node answers"]
                await until(lambda: _gauge("surefill_unknown_attempts"))
                assert _value("surefill_unknown_age_seconds") > 0
                assert (await engine.order(sent)).status == "submitted"
                [reason] = said("tracker goes on when it is back")
                assert reason.endswith("HTTP 503")
                unreachable = False
                assert (await engine.until(sent, lambda order: order.ended)).status == "confirmed"
                await until(lambda: _none(engine))
                await until(is_over)
            await engine.stop()
            assert len(said("tracker goes on")) == 1


async def test_a_tracker_takes_back_what_another_said_once_the_chain_answers(engine: EngineHarness) -> None:
    sent, purged = await engine.submit(), await engine.submit()
    for order_id in (sent, purged):
        await engine.build(order_id)
    await engine.work.record_uncertainty(sent, 1, NO_ANSWER, permanent=False)
    await engine.work.record_uncertainty(purged, 1, "its blocks are gone", permanent=True)
    # It sends nothing, so that only the answer of the chain counts.
    engine.start_tracker(replace(PACE, first_send=999, rebroadcast=999))
    async with asyncio.timeout(15):
        while len(left := await reasons(engine)) > 1:
            await asyncio.sleep(0.05)
    assert left == ["its blocks are gone"]
    assert (await engine.order(sent)).live_attempt


async def test_a_height_that_stands_still_proves_nothing(engine: EngineHarness, rpc_url: str) -> None:
    still, unsent = True, await engine.submit()
    await engine.build(unsent)

    def height(_: Request, result: Any) -> Any:
        return {**result, "blockHeight": 7, "absoluteSlot": 7} if still else result

    def block(_: Request, result: Any) -> Any:
        return 7 if still else result

    def nothing(_: Request, result: Any) -> Any:
        return {**result, "value": [None for _ in result["value"]]} if still else result

    changes = {
        "getEpochInfo": height,
        "getBlockHeight": block,
        "getSignatureStatuses": nothing,
    }
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, changes)) as url,
        SolanaChain(url) as engine.chain,
    ):
        engine.start_tracker(PACE)
        await until(lambda: reasons(engine))
        assert await reasons(engine) == ["the finalized block height stands still"]
        still = False
        assert (await engine.until(unsent, lambda order: order.ended)).status == "confirmed"
        await until(lambda: _none(engine))
        await engine.stop()


def _value(name: str) -> float:
    return REGISTRY.get_sample_value(name) or 0.0


async def _gauge(name: str) -> bool:
    return _value(name) > 0


async def _none(engine: EngineHarness) -> bool:
    return not await reasons(engine)


@pytest.fixture(autouse=True)
def _gauges_at_zero() -> None:
    for name in ("surefill_unknown_attempts", "surefill_unknown_age_seconds"):
        REGISTRY._names_to_collectors[name].set(0)  # type: ignore[attr-defined]


async def test_one_endpoint_of_two_ends_nothing_and_the_order_says_so(engine: EngineHarness, rpc_url: str) -> None:
    away, order_id = True, await engine.submit(deadline=now() + timedelta(seconds=1))
    await engine.build(order_id)
    async with httpx2.AsyncClient(base_url=rpc_url) as node:
        whole = altering(node, {})

        async def sometimes(request: Request) -> bytes | None:
            return http(b"", status="503 Service Unavailable") if away else await whole(request)

        async with serving(sometimes) as url, SolanaChain(rpc_url, extra_urls=[url]) as engine.chain:
            engine.start_tracker(replace(QUICK, rebroadcast=999, first_send=999))
            await until(lambda: reasons(engine))
            assert await reasons(engine) == [f"{rpc_url.removeprefix('http://')} alone shows that it never landed"]
            assert (await engine.order(order_id)).live_attempt
            away = False
            order = await engine.until(order_id, lambda order: order.ended)
            assert (order.status, order.attempts[0].end) == ("failed", "expired")
            assert order.failure
            assert order.failure.code == "transaction_expired"
            await until(lambda: _none(engine))
            await engine.stop()
