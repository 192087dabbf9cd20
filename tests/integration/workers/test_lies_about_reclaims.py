"""What became of a reclaim is no single endpoint's word: one that lies of it, or has forgotten it, beside an honest
one.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import httpx2
import pytest
import structlog
from solders.transaction import VersionedTransaction

from chains.solana_client import SolanaChain
from commands.ids import DEFAULT_ACCOUNT
from domain.reclaim import Reclaim
from domain.reclaim_events import ReclaimExpired, ReclaimFailed, ReclaimLanded
from runtime.readiness import role_checks
from tests.integration.chains.endpoint_server import Alter, Request, altering, serving
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.lies import Lies
from tests.integration.workers.test_reclaim import (
    SHORT,
    Changed,
    blind_to_tokens,
    confirmed,
    guard_of,
    is_there,
    past_its_height,
    pay,
    reclaims,
    simulates_well,
    transfer_tokens,
    until,
)
from workers.reclaim import sent_reclaims
from workers.reclaim.outcome import ALONE

pytestmark = pytest.mark.usefixtures("looks_often")

LIARS = pytest.mark.parametrize("liar", ["main", "other"])


@asynccontextmanager
async def two_endpoints(rpc_url: str, liar: str, changes: dict[str, Alter]) -> AsyncIterator[SolanaChain]:
    """The chain by an honest endpoint and one whose answers are changed, the main one or the other."""
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(httpx2.AsyncClient(base_url=rpc_url))
        url = await stack.enter_async_context(serving(altering(node, changes)))
        main, other = (url, rpc_url) if liar == "main" else (rpc_url, url)
        yield await stack.enter_async_context(SolanaChain(main, extra_urls=[other]))


async def within(seconds: float, holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.05)


async def on_its_way(engine: EngineHarness) -> Reclaim:
    """The reclaim once it is recorded."""
    async with asyncio.timeout(30):
        while not (found := await reclaims(engine)):
            await asyncio.sleep(0.02)
    return found[0]


@LIARS
async def test_a_failure_that_one_endpoint_alone_shows_makes_nobody_miss_a_guard(
    engine: EngineHarness, rpc_url: str, liar: str
) -> None:
    [order_id] = await confirmed(engine)
    await past_its_height(engine, order_id)
    lying = Lies(("an error",), told=False)
    asked: list[str] = []

    def counted(request: Request, result: Any) -> Any:
        asked.append(request["method"])
        return lying.changes["getTransaction"](request, result)

    changes = {**lying.changes, "getTransaction": counted}
    with structlog.testing.capture_logs() as logged:
        async with two_endpoints(rpc_url, liar, changes) as engine.chain:
            engine.start_reclaimer(SHORT)
            await on_its_way(engine)
            lying.told = True
            await within(60, lambda: len(asked) > 3)
            [reclaim] = await reclaims(engine)
            assert reclaim.end is None
            assert not await is_there(engine, order_id)
            lying.told = False
            await until(engine, lambda rows: rows[order_id]["returned"])
            await engine.stop()
    [reclaim] = await reclaims(engine)
    assert isinstance(reclaim.end, ReclaimLanded) and reclaim.end.slot is not None
    assert not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted
    said = [one for one in logged if one["event"] == "nobody can tell what became of a reclaim"]
    assert len(said) == 1 and "that it failed" in said[0]["reason"]


def shown_as_landed(reclaim: Reclaim) -> dict[str, Any]:
    """What a node shows of a reclaim that succeeded."""
    transaction = VersionedTransaction.from_bytes(base64.b64decode(reclaim.built.transaction))
    message = transaction.message
    keys = [str(key) for key in message.account_keys]
    rent = sum(closing.lamports for closing in reclaim.built.guards)
    closed = [keys.index(closing.guard) for closing in reclaim.built.guards]
    after = [0 if index in closed else 10**9 for index in range(len(keys))]
    after[0] += rent - 10_000
    meta = {
        "err": None, "fee": 10_000, "preBalances": [10**9] * len(keys), "postBalances": after,
        "preTokenBalances": [], "postTokenBalances": [], "logMessages": [],
    }  # fmt: skip
    instructions = [{"programIdIndex": one.program_id_index} for one in message.instructions]
    content = {"accountKeys": keys, "instructions": instructions}
    shown = {"signatures": [reclaim.built.signature], "message": content}
    return {"slot": 60, "meta": meta, "transaction": shown}


@LIARS
async def test_a_success_that_never_was_is_asked_for_again(engine: EngineHarness, rpc_url: str, liar: str) -> None:
    [order_id] = await confirmed(engine)
    await past_its_height(engine, order_id)
    forged: dict[str, dict[str, Any]] = {}
    final = {"slot": 60, "confirmations": None, "err": None, "confirmationStatus": "finalized", "status": {"Ok": None}}

    def statuses(request: Request, result: Any) -> Any:
        found = zip(request["params"][0], result["value"], strict=True)
        return {**result, "value": [final if signature in forged else one for signature, one in found]}

    def transaction(request: Request, result: Any) -> Any:
        return forged.get(request["params"][0], result)

    async def send(wire: bytes) -> str:
        """The first one never leaves."""
        signature = str(VersionedTransaction.from_bytes(wire).signatures[0])
        return await chain.send(wire) if forged and signature not in forged else "accepted"

    changes: dict[str, Alter] = {"getSignatureStatuses": statuses, "getTransaction": transaction}
    async with two_endpoints(rpc_url, liar, changes) as chain:
        engine.chain = cast(SolanaChain, Changed(chain, send=send))
        engine.start_reclaimer(SHORT)
        first = await on_its_way(engine)
        forged[first.built.signature] = shown_as_landed(first)
        await until(engine, lambda rows: rows[order_id]["returned"], within=60)
        await engine.stop()
    first, second = await reclaims(engine)
    assert isinstance(first.end, ReclaimExpired)
    assert isinstance(second.end, ReclaimLanded)
    engine.chain = SolanaChain(rpc_url)
    async with engine.chain:
        assert not await is_there(engine, order_id)


@LIARS
async def test_an_endpoint_that_has_forgotten_a_reclaim_does_not_keep_it_open_for_ever(
    engine: EngineHarness, rpc_url: str, liar: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the one that shows it, and the guards that both show to be gone."""
    monkeypatch.setattr(sent_reclaims, "LOOK_FOR_S", 1.0)
    [order_id] = await confirmed(engine)
    await past_its_height(engine, order_id)
    lying = Lies(("no status",), told=False)
    async with two_endpoints(rpc_url, liar, dict(lying.changes)) as engine.chain:
        engine.start_reclaimer(SHORT)
        await on_its_way(engine)
        lying.told = True
        await until(engine, lambda rows: rows.get(order_id, {}).get("returned", False), within=60)
        await engine.stop()
    [reclaim] = await reclaims(engine)
    assert isinstance(reclaim.end, ReclaimLanded)
    assert (reclaim.end.slot, reclaim.end.lamports, reclaim.end.fee_lamports) == (None, 2_039_280, 10_000)
    assert not (await engine.accounts.trading(DEFAULT_ACCOUNT)).halted


@LIARS
async def test_nor_one_that_failed(
    engine: EngineHarness, rpc_url: str, liar: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its guards would never be asked for again."""
    monkeypatch.setattr(sent_reclaims, "LOOK_FOR_S", 1.0)
    [order_id] = await confirmed(engine)
    await past_its_height(engine, order_id)
    await pay(engine, transfer_tokens(engine, guard_of(engine, order_id), 1))
    async with two_endpoints(rpc_url, liar, {"getTransaction": lambda _, __: None}) as chain:
        methods = {"guards": blind_to_tokens(chain), "simulate": simulates_well}
        engine.chain = cast(SolanaChain, Changed(chain, **methods))
        engine.start_reclaimer(SHORT)
        await until(engine, lambda rows: rows.get(order_id, {}).get("obstacle") is not None, within=60)
        await engine.stop()
    [reclaim] = await reclaims(engine)
    assert isinstance(reclaim.end, ReclaimFailed) and reclaim.end.fee_lamports == 10_000


async def test_a_failure_that_one_shows_and_the_other_has_no_history_of_is_said_while_its_guards_are_gone(
    engine: EngineHarness, rpc_url: str
) -> None:
    """Nobody can tell it from a success that the one lies about: it waits, and readiness and the guard say for what."""
    [order_id] = await confirmed(engine)
    await past_its_height(engine, order_id)
    fails, forgets = Lies(("an error",), told=False), Lies(("no status",), told=False)

    async def readiness() -> str | None:
        [check] = [one for one in role_checks(engine.pool) if one.name == "reclaims"]
        return await check.probe()

    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(altering(node, fails.changes)) as url,
        serving(altering(node, forgets.changes)) as other,
        SolanaChain(url, extra_urls=[other]) as engine.chain,
    ):
        engine.start_reclaimer(SHORT)
        await on_its_way(engine)
        assert await readiness() is None
        fails.told = forgets.told = True
        said = f"{url.removeprefix('http://')} {ALONE}"
        await until(engine, lambda rows: rows[order_id]["obstacle"] == said, within=60)
        assert await readiness() == f"nobody can tell what became of a reclaim of rents: {said}"
        [reclaim] = await reclaims(engine)
        assert reclaim.end is None
        fails.told = forgets.told = False
        await until(engine, lambda rows: rows[order_id]["returned"])
        assert await readiness() is None
        await engine.stop()
    [reclaim] = await reclaims(engine)
    assert isinstance(reclaim.end, ReclaimLanded)
