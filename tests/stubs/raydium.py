"""A stub of Raydium's Trade API, in its documented shapes, with whole transactions of the local chain's pools."""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from solders.compute_budget import set_compute_unit_limit, set_compute_unit_price
from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from tests.stubs.jupiter import Answer, making_account, serving
from venues.constant_product import exact_out_instruction, swap_instruction
from venues.pools import PoolBook
from venues.protocol import QuoteRequest, VenueQuote


@dataclass
class RaydiumStub:
    """Quotes Raydium's pools of ``book``. ``edit_quote`` changes a quote's document; ``edit_steps`` the instructions of
    each transaction; ``next_answers`` come first, each once. ``as_object``: the other documented shape; ``legacy``.
    A quote and a transaction are answered once ``together`` of each are asked for at the same time.
    """

    book: PoolBook
    url: str = ""
    edit_quote: Callable[[dict[str, Any]], dict[str, Any]] = lambda answer: answer
    edit_steps: Callable[[list[list[Instruction]]], list[list[Instruction]]] = lambda steps: steps
    next_answers: list[Answer] = field(default_factory=list)
    as_object: bool = False
    legacy: bool = False
    together: tuple[asyncio.Barrier, asyncio.Barrier] | None = None
    quoted: list[dict[str, str]] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/compute/swap-base-in", self.compute),
            web.get("/compute/swap-base-out", self.compute_exact_out),
            web.post("/transaction/swap-base-in", self.transaction),
            web.post("/transaction/swap-base-out", self.transaction),
        ]

    async def compute(self, request: web.Request) -> web.Response:
        return await self._computed(request, exact_out=False)

    async def compute_exact_out(self, request: web.Request) -> web.Response:
        return await self._computed(request, exact_out=True)

    async def _computed(self, request: web.Request, *, exact_out: bool) -> web.Response:
        query = dict(request.query)
        self.quoted.append(query)
        if self.together:
            await self.together[0].wait()
        if self.next_answers:
            return _given(self.next_answers.pop(0))
        amount = int(query["amount"])
        amounts = {"amount_in": 0, "amount_out": amount} if exact_out else {"amount_in": amount}
        [found] = await self.book.quote_all([QuoteRequest(query["inputMint"], query["outputMint"], **amounts)])
        best = next((one.quote for one in found if isinstance(one, VenueQuote) and one.quote.venue == "Raydium"), None)
        if best is None:
            return web.json_response(_envelope(success=False, msg="ROUTE_NOT_FOUND"))
        data = {
            "swapType": "BaseOut" if exact_out else "BaseIn",
            "inputMint": best.token_in,
            "inputAmount": str(best.amount_in),
            "outputMint": best.token_out,
            "outputAmount": str(best.amount_out),
            # Of an exact amount out it is the most in.
            "otherAmountThreshold": str(best.amount_in if exact_out else best.amount_out),
            "slippageBps": int(query["slippageBps"]),
            "priceImpactPct": 0.01,
            "referrerAmount": "0",
            "routePlan": [
                {
                    "poolId": best.pool,
                    "inputMint": best.token_in,
                    "outputMint": best.token_out,
                    "feeMint": best.token_in,
                    "feeRate": 25,
                    "feeAmount": str(best.fee_amount),
                    "remainingAccounts": [],
                }
            ],
            "aFieldOfLater": {"kept": [1, 2.50, "3"]},
        }
        return web.json_response(self.edit_quote(_envelope(success=True, data=data)))

    async def transaction(self, request: web.Request) -> web.Response:
        asked = json.loads(await request.text())
        self.taken.append(asked)
        if self.together:
            await self.together[1].wait()
        if self.next_answers:
            return _given(self.next_answers.pop(0))
        data, wallet = asked["swapResponse"]["data"], asked["wallet"]
        swap = self._swap(data, wallet, exact_out=request.path.endswith("swap-base-out"))
        price = set_compute_unit_price(int(asked["computeUnitPriceMicroLamports"]))
        making = [] if "outputAccount" in asked else [making_account(wallet, data["outputMint"])]
        steps = self.edit_steps([[set_compute_unit_limit(600_000), price, *making, swap]])
        texts = [{"transaction": self._compiled(each, Pubkey.from_string(wallet))} for each in steps]
        return web.json_response(
            _envelope(success=True, data=texts[0] | {"addressLookupTableAddresses": []} if self.as_object else texts)
        )

    def _swap(self, data: dict[str, Any], wallet: str, *, exact_out: bool) -> Instruction:
        pool, threshold = self.book.pool(data["routePlan"][0]["poolId"]), int(data["otherAmountThreshold"])
        terms = {"owner": wallet, "token_in": data["inputMint"]}
        if exact_out:
            return exact_out_instruction(pool, **terms, maximum_in=threshold, amount_out=int(data["outputAmount"]))
        return swap_instruction(pool, **terms, amount_in=int(data["inputAmount"]), minimum_out=threshold)

    def _compiled(self, steps: list[Instruction], payer: Pubkey) -> str:
        blockhash = Hash.new_unique()
        message: Message | MessageV0 = (
            Message.new_with_blockhash(steps, payer, blockhash)
            if self.legacy
            else MessageV0.try_compile(payer, steps, [], blockhash)
        )
        unsigned = [Signature.default()] * message.header.num_required_signatures
        return base64.b64encode(bytes(VersionedTransaction.populate(message, unsigned))).decode()


def _envelope(*, success: bool, **more: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "success": success, "version": "V1", **more}


def _given(answer: Answer) -> web.Response:
    status, body, headers = answer
    if isinstance(body, str):
        return web.Response(status=status, text=body, content_type="text/html", headers=headers)
    return web.json_response(body, status=status, headers=headers)


@asynccontextmanager
async def running_raydium(book: PoolBook) -> AsyncIterator[RaydiumStub]:
    stub = RaydiumStub(book)
    async with serving(stub, *stub.routes()):
        yield stub
