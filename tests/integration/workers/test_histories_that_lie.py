"""An evidence endpoint whose list of the wallet's transactions makes no sense is left out, and trading begins."""

from __future__ import annotations

import asyncio
import base64
import os
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from runtime.composition import lease_of
from runtime.roles.wallet_history import HistoryGate, compose, reading
from tests.integration.chains.endpoint_server import Request, altering, serving
from tests.integration.workers.harness import EngineHarness
from workers.history import reader
from workers.history.watch import HISTORY, Pace

MEMO_PROGRAM = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")


def entry(signature: Signature, slot: int, memo: str | None = None) -> dict[str, Any]:
    said = f"[{len(memo)}] {memo}" if memo else None
    return {
        "signature": str(signature), "slot": slot, "err": None, "memo": said, "blockTime": None,
        "confirmationStatus": "finalized",
    }  # fmt: skip


class OfNoAccount:
    """Shows a stranger's transaction with a memo of ours, and a token balance of an account that it doesn't have."""

    said = "getTransaction"
    patience = 60.0  # It is asked several times.

    def __init__(self, wallet: str) -> None:
        self._wallet, memo, stranger = wallet, f"surefill:{uuid4()}:1", Keypair()
        message = MessageV0.try_compile(
            stranger.pubkey(), [Instruction(MEMO_PROGRAM, memo.encode(), [])], [], Hash.default()
        )
        self._transaction = VersionedTransaction(message, [stranger])
        self._entry = entry(self._transaction.signatures[0], 1, memo)

    def listed(self, _: Request, result: list[Any]) -> list[Any]:
        return [*result, self._entry]

    def shown(self, request: Request, result: Any) -> Any:
        if request["params"][0] != self._entry["signature"]:
            return result
        balances = [1] * len(self._transaction.message.account_keys)
        token = {
            "accountIndex": 99, "mint": str(Pubkey.new_unique()), "owner": self._wallet,
            "uiTokenAmount": {"amount": "1", "decimals": 0},
        }  # fmt: skip
        meta = {
            "err": None, "fee": 5000, "preBalances": balances, "postBalances": balances,
            "preTokenBalances": [token], "postTokenBalances": [], "logMessages": [],
        }  # fmt: skip
        transaction = [base64.b64encode(bytes(self._transaction)).decode(), "base64"]
        return {"slot": 1, "meta": meta, "transaction": transaction}


class Endless:
    """A list that goes on, page after page, a block further back each time."""

    said = "has no end"
    patience = 2.0

    def __init__(self, _: str) -> None:
        self._slot = 10**9

    def listed(self, *_: Any) -> list[Any]:
        self._slot -= 1
        return [entry(Signature(os.urandom(64)), self._slot)]

    def shown(self, _: Request, result: Any) -> Any:
        return result


@pytest.mark.parametrize("lie", [OfNoAccount, Endless])
async def test_it_is_left_out_and_said(
    engine: EngineHarness,
    rpc_url: str,
    monkeypatch: pytest.MonkeyPatch,
    lie: type[OfNoAccount | Endless],
) -> None:
    monkeypatch.setattr(reader, "OTHERS_PATIENCE_S", lie.patience)
    await engine.submit()  # Without any event there is nothing to compare.
    lying = lie(engine.wallet.address)
    changes = {"getSignaturesForAddress": lying.listed, "getTransaction": lying.shown}
    async with httpx2.AsyncClient(base_url=rpc_url) as node, serving(altering(node, changes)) as url:
        settings = engine.settings.model_copy(update={"solana_evidence_rpc_urls": (url,)})
        async with reading(settings, engine.store, engine.wallet.address, engine.genesis_hash) as history:
            tips = await history.tips("finalized", patience=5)
            found = await history.read("finalized", tips)
            assert found.read == [history.main]
            assert [lying.said in problem for problem in found.problems] == [True]
            async with lease_of(engine.store, HISTORY).hold() as lease:
                comparing = asyncio.create_task(
                    compose(engine.store, history, Pace(every=0.1, again=0.05, blocks=2)).run(lease)
                )
                async with asyncio.timeout(60):
                    await (await HistoryGate.of(engine.store)).opened()
                assert not comparing.done()
                comparing.cancel()
                await asyncio.gather(comparing, return_exceptions=True)
