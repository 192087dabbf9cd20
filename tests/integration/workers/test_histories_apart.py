"""Endpoints that tell different stories of the wallet, while a log that was put back is recovered by them.

What they tell is forged from transactions that the lost end of the log has signed, and that never landed: the wallet's
signature is right.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx2
import pytest
from solders.transaction import VersionedTransaction

from commands.ids import DEFAULT_ACCOUNT
from domain.tokens import USDC
from runtime.errors import StartupError
from tests.integration.chains.endpoint_server import Alter, Request, altering, http, serving
from tests.integration.workers.harness import EngineHarness
from tests.integration.workers.test_foreign_transactions import (
    compared,
    executed,
    found_behind,
    recovered,
    successes,
    watching,
)

RENT, FEE = 2_039_280, 5_000


async def wire(engine: EngineHarness, order_id: UUID, attempt: int = 1) -> str:
    """The signed bytes of an attempt, base64, as the log keeps them."""
    built = await engine.events.states([order_id], "order.TransactionBuilt")
    return str(json.loads(bytes(built[attempt - 1][1]))["data"]["transaction"])


def shown_as_landed(engine: EngineHarness, order_id: UUID, wire: str, memo: str, *, received: int) -> dict[str, Alter]:
    """What a node shows of a transaction that never landed: a success that made the order's guard."""
    transaction = VersionedTransaction.from_bytes(b64decode(wire))
    signature = str(transaction.signatures[0])
    keys = [str(key) for key in transaction.message.account_keys]
    guard = keys.index(engine.wallet.guard_key().of_order(engine.wallet.address, order_id).address)
    before = [10**12] * len(keys)
    after = list(before)
    after[guard] += RENT
    after[0] -= RENT + FEE + (500_000_000 if received else 0)

    def balance(amount: int) -> dict[str, Any]:
        token = next(index for index in range(1, len(keys)) if index != guard)
        amounts = {"amount": str(amount), "decimals": 6, "uiAmount": None, "uiAmountString": ""}
        owned = {"mint": USDC.mint, "owner": engine.wallet.address, "programId": ""}
        return {"accountIndex": token, "uiTokenAmount": amounts, **owned}

    meta = {
        "err": None, "status": {"Ok": None}, "fee": FEE, "preBalances": before, "postBalances": after,
        "preTokenBalances": [balance(0)] if received else [],
        "postTokenBalances": [balance(received)] if received else [],
        "logMessages": [], "innerInstructions": [], "loadedAddresses": {"readonly": [], "writable": []},
    }  # fmt: skip
    landed = {"slot": 60, "blockTime": 0, "version": 0, "transaction": [wire, "base64"], "meta": meta}
    entry = {"signature": signature, "slot": 60, "err": None, "confirmationStatus": "finalized", "blockTime": None}

    def listed(request: Request, result: Any) -> Any:
        more = {**entry, "memo": f"[{len(memo)}] {memo}"}
        return result if request["params"][1].get("before") else [*result, more]

    return {
        "getSignaturesForAddress": listed,
        "getTransaction": lambda request, result: landed if request["params"][0] == signature else result,
    }


@asynccontextmanager
async def an_endpoint(rpc_url: str, changes: dict[str, Alter]) -> AsyncIterator[str]:
    async with httpx2.AsyncClient(base_url=rpc_url) as node, serving(altering(node, changes)) as url:
        yield url


def asking(engine: EngineHarness, main: str, *others: str) -> None:
    engine.settings = engine.settings.model_copy(
        update={"solana_rpc_url": main, "solana_evidence_rpc_urls": tuple(others)}
    )


async def refusal(engine: EngineHarness) -> str:
    """Why `surefill recover` decides nothing."""
    with pytest.raises(StartupError) as refused:
        await recovered(engine)
    return str(refused.value)


@pytest.mark.parametrize("liar", ["main", "other"])
async def test_a_swap_that_never_landed_confirms_no_order_by_one_endpoints_word(
    engine: EngineHarness, other: EngineHarness, rpc_url: str, liar: str
) -> None:
    await executed(engine, "first")
    mine = await engine.submit(client_order_id="never landed")
    await other.submit(client_order_id="never landed")
    await engine.build(mine)
    await found_behind(other)
    forged = shown_as_landed(engine, mine, await wire(engine, mine), f"surefill:{mine}:1", received=74_900_000)
    async with an_endpoint(rpc_url, forged) as url:
        asking(other, *((url, rpc_url) if liar == "main" else (rpc_url, url)))
        reason = await refusal(other)
        assert url.removeprefix("http://") in reason and str(mine) in reason and "Nothing can be decided" in reason
        assert not (await other.order(mine)).ended
        assert await other.accounts.history_read(DEFAULT_ACCOUNT) is None
    # With another endpoint in its place the log goes on, and the order is open.
    asking(other, rpc_url)
    await recovered(other)
    assert mine not in await successes(engine)
    assert not (await other.order(mine)).ended


async def test_a_cancel_that_never_landed_cancels_no_order_that_swapped(
    engine: EngineHarness, other: EngineHarness, rpc_url: str
) -> None:
    await executed(engine, "first")
    mine = await engine.submit(client_order_id="cancelled too late")
    await other.submit(client_order_id="cancelled too late")
    await engine.build(mine)
    await engine.cancel(mine)
    await engine.build(mine)
    swap, cancel = await wire(engine, mine, 1), await wire(engine, mine, 2)
    await engine.chain.send(b64decode(swap))
    async with asyncio.timeout(20):
        while mine not in await successes(engine):
            await asyncio.sleep(0.05)
    await found_behind(other)
    forged = shown_as_landed(engine, mine, cancel, f"surefill:{mine}:2:cancel", received=0)
    async with an_endpoint(rpc_url, forged) as url:
        asking(other, rpc_url, url)
        assert str(VersionedTransaction.from_bytes(b64decode(cancel)).signatures[0]) in await refusal(other)
    order = await other.order(mine)
    assert order.fill and [order.fill.tx_hash] == (await successes(engine))[mine]
    assert await other.accounts.contradictions(DEFAULT_ACCOUNT) == []


@pytest.mark.parametrize("liar", ["main", "other"])
async def test_a_height_that_is_taken_back_is_not_waited_for(
    engine: EngineHarness, other: EngineHarness, rpc_url: str, liar: str
) -> None:
    """Said once, at the start of each: neither the comparison nor recovery stands still for ever."""
    told: list[int] = []

    def overstated(_: Request, result: Any) -> Any:
        told.append(result["blockHeight"])
        return {**result, "blockHeight": result["blockHeight"] + 10**6} if len(told) == 1 else result

    await other.submit(client_order_id="something to end")
    await executed(engine, "first")
    async with an_endpoint(rpc_url, {"getEpochInfo": overstated}) as url:
        asking(other, *((url, rpc_url) if liar == "main" else (rpc_url, url)))
        await found_behind(other)
        assert len(told) > 1
        told.clear()
        async with asyncio.timeout(60):
            await recovered(other)
        assert len(told) > 1


async def test_a_transaction_of_a_version_that_the_engine_does_not_sign_stands_in_no_ones_way(
    engine: EngineHarness, rpc_url: str
) -> None:
    """Anybody can have one in the wallet's history, with a memo like the engine's; a node refuses to show it."""
    await executed(engine, "first")
    newer = "5" * 88

    def listed(request: Request, result: Any) -> Any:
        memo = f"[50] surefill:{UUID(int=7)}:1"
        entry = {"signature": newer, "slot": 3, "err": None, "memo": memo, "confirmationStatus": "finalized"}
        return result if request["params"][1].get("before") else [*result, entry]

    asked: list[str] = []
    async with httpx2.AsyncClient(base_url=rpc_url) as node:
        honest = altering(node, {"getSignaturesForAddress": listed})

        async def answered(request: Any) -> bytes | None:
            calls = request if isinstance(request, list) else [request]
            if not any(call["method"] == "getTransaction" and call["params"][0] == newer for call in calls):
                return await honest(request)
            asked.append(newer)
            error = {"code": -32015, "message": "Transaction version (1) is not supported by the requesting client."}
            answers = [{"jsonrpc": "2.0", "id": call["id"], "error": error} for call in calls]
            return http(json.dumps(answers if isinstance(request, list) else answers[0]).encode())

        async with serving(answered) as url:
            asking(engine, url)
            await compared(engine)
    assert asked
    assert await engine.accounts.unrecovered(DEFAULT_ACCOUNT) is None


async def test_a_success_that_one_endpoint_shows_halts_before_anybody_agrees(
    engine: EngineHarness, other: EngineHarness, rpc_url: str
) -> None:
    await executed(engine, "first")
    await other.submit(client_order_id="another")
    hidden: dict[str, Alter] = {"getSignaturesForAddress": lambda _, __: []}
    async with an_endpoint(rpc_url, hidden) as url:
        asking(other, url, rpc_url)
        async with watching(other), asyncio.timeout(20):
            while not await other.accounts.unrecovered(DEFAULT_ACCOUNT):
                await asyncio.sleep(0.02)
