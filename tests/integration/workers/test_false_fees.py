"""A swap that got lost, and that one of two endpoints calls failed, at a fee that nobody signed for."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import httpx2
from solders.transaction import VersionedTransaction

from chains.solana_client import SolanaChain
from domain.numbers import I64_MAX
from tests.integration.chains.endpoint_server import Alter, Answer, Request, altering, rpc, serving
from tests.integration.workers.harness import EngineHarness, now
from tests.integration.workers.lies import FAILED
from tests.integration.workers.test_execution import QUICK


@dataclass
class Loser:
    """Takes the first transaction that it is sent, hands it to nobody, and calls it failed for good."""

    lost: dict[str, VersionedTransaction] = field(default_factory=dict)

    def losing(self, answer: Answer) -> Answer:
        async def respond(request: Request) -> bytes | None:
            if isinstance(request, dict) and request["method"] == "sendTransaction":
                sent = VersionedTransaction.from_bytes(b64decode(request["params"][0]))
                signature = str(sent.signatures[0])
                if not self.lost or signature in self.lost:
                    self.lost[signature] = sent
                    return rpc(request, result=signature)
            return await answer(request)

        return respond

    @property
    def changes(self) -> dict[str, Alter]:
        return {"getSignatureStatuses": self._statuses, "getTransaction": self._transaction}

    def _statuses(self, request: Request, result: Any) -> Any:
        lie = {"slot": 3, "err": FAILED, "confirmations": None, "confirmationStatus": "finalized"}
        shown = zip(request["params"][0], result["value"], strict=True)
        return {**result, "value": [lie if one in self.lost else status for one, status in shown]}

    def _transaction(self, request: Request, result: Any) -> Any:
        signature = request["params"][0]
        if signature not in self.lost:
            return result
        keys = [str(key) for key in self.lost[signature].message.account_keys]
        nothing = [0] * len(keys)
        meta = {"err": FAILED, "fee": I64_MAX, "preBalances": nothing, "postBalances": nothing, "logMessages": []}
        meta |= {"preTokenBalances": [], "postTokenBalances": []}
        message = {"accountKeys": keys, "instructions": []}
        return {"slot": 3, "meta": meta, "transaction": {"signatures": [signature], "message": message}}


async def test_an_order_goes_on_without_that_fee_once_both_show_that_it_never_lands(
    engine: EngineHarness, rpc_url: str
):
    loser = Loser()
    async with (
        httpx2.AsyncClient(base_url=rpc_url) as node,
        serving(loser.losing(altering(node, loser.changes))) as url,
        SolanaChain(url, extra_urls=[rpc_url]) as engine.chain,
    ):
        engine.start_projector()
        engine.start_sweeper()
        engine.start_worker()
        engine.start_tracker(replace(QUICK, guards=0.2))
        order_id = await engine.submit(deadline=now() + timedelta(seconds=120))
        order = await engine.until(order_id, lambda order: order.ended, within=60)
        await engine.stop()
    assert order.status == "confirmed"
    assert order.fill
    assert [attempt.end for attempt in order.attempts] == ["expired", "confirmed"]
    assert (order.fill.network_fee_lamports, order.fees_lost_lamports) == (5_000, 0)
