"""Raydium's Trade API by its two ways to ask, from a stub in its documented shapes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from aiohttp import web
from solders.hash import Hash
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from domain.codes import Code
from domain.tokens import SOL, USDC
from tests.stubs.jupiter import serving
from venues.errors import VenueError
from venues.raydium.client import compute_exact_out, refused, transactions
from venues.remote.budget import NoBudget
from venues.remote.service import Service

WALLET = Pubkey(b"w" * 32)
OUT, IN = 150_000_000, 1_004_016_064


class Stub:
    """``/compute/swap-base-out`` and ``/transaction/swap-base-out`` as documented, ``changes`` made to the quote."""

    def __init__(self, **changes: Any) -> None:
        self.url = ""
        self.changes = changes
        self.asked: dict[str, str] = {}
        self.taken: dict[str, Any] = {}

    def quote(self) -> dict[str, Any]:
        data = {
            "swapType": "BaseOut",
            "inputMint": SOL.mint,
            "inputAmount": str(IN),
            "outputMint": USDC.mint,
            "outputAmount": str(OUT),
            "otherAmountThreshold": str(IN),
            "slippageBps": 0,
            "priceImpactPct": 0.01,
            "routePlan": [{"poolId": "pool", "inputMint": SOL.mint, "outputMint": USDC.mint}],
        }
        return {"id": "q", "success": True, "version": "V1", "data": data | self.changes}

    async def compute(self, request: web.Request) -> web.Response:
        self.asked = dict(request.query)
        return web.json_response(self.quote())

    async def transaction(self, request: web.Request) -> web.Response:
        self.taken = json.loads(await request.text())
        message = MessageV0.try_compile(WALLET, [], [], Hash.default())
        signed = VersionedTransaction.populate(message, [Signature.default()])
        text = base64.b64encode(bytes(signed)).decode()
        return web.json_response({"id": "t", "success": True, "version": "V1", "data": [{"transaction": text}]})

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/compute/swap-base-out", self.compute),
            web.post("/transaction/swap-base-out", self.transaction),
        ]


async def test_an_exact_amount_out_is_quoted_and_its_transaction_asked_for_with_the_whole_quote() -> None:
    stub = Stub(aFieldOfLater=[1, 2.50])
    async with serving(stub, *stub.routes()) as url:
        service = Service("raydium", url, budget=NoBudget(), refused=refused, timeout=2.0)
        computed = await compute_exact_out(service, token_in=SOL.mint, token_out=USDC.mint, amount_out=OUT)
        [message] = await transactions(service, computed, wallet=str(WALLET), source="source", destination="there")
        await service.close()
    assert stub.asked == {
        "inputMint": SOL.mint,
        "outputMint": USDC.mint,
        "amount": str(OUT),
        "slippageBps": "0",
        "txVersion": "V0",
    }
    assert (computed.data.input_amount, computed.data.output_amount) == (IN, OUT)
    assert stub.taken["swapResponse"] == stub.quote()
    assert message.account_keys == [WALLET]


@pytest.mark.parametrize(
    "changes",
    [
        {"swapType": "BaseIn"},
        {"outputAmount": str(OUT - 1)},
        {"inputMint": USDC.mint},
        {"inputAmount": IN},
    ],
    ids=["an exact amount in", "another amount", "other tokens", "a number for a string"],
)
async def test_a_quote_for_something_else_is_not_taken(changes: dict[str, Any]) -> None:
    stub = Stub(**changes)
    async with serving(stub, *stub.routes()) as url:
        service = Service("raydium", url, budget=NoBudget(), refused=refused, timeout=2.0)
        with pytest.raises(VenueError) as failed:
            await compute_exact_out(service, token_in=SOL.mint, token_out=USDC.mint, amount_out=OUT)
        await service.close()
    assert failed.value.code == Code.VENUE_ANSWER_INVALID
