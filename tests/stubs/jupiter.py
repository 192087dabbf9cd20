"""A stub of Jupiter's swap v2: ``/build`` in exactly its documented shape, with swaps of the local chain's pools."""

from __future__ import annotations

import asyncio
import base64
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from solders.compute_budget import set_compute_unit_price
from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.token import ID as TOKEN
from solders.token.associated import get_associated_token_address

from domain.numbers import less_slippage
from venues.constant_product import swap_instruction
from venues.pools import PoolBook
from venues.protocol import QuoteRequest, VenueQuote

ATA = Pubkey.from_string("ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL")
LABELS = {"Meteora DLMM": "Meteora", "Meteora": "Meteora", "Meteora DAMM v2": "Meteora", "Whirlpool": "Orca"}
"""Which of the local chain's venues stands for a label of ``dexes``."""

Answer = tuple[int, Any, dict[str, str]]


@dataclass
class JupiterStub:
    """Quotes from ``book``. ``edit`` may change an answer on its way out; ``next_answers`` are given first, each once;
    ``delay`` is in seconds.
    """

    book: PoolBook
    url: str = ""
    edit: Callable[[dict[str, Any]], dict[str, Any]] = lambda answer: answer
    next_answers: list[Answer] = field(default_factory=list)
    delay: float = 0.0
    unit_price: int = 25_000
    tables: dict[str, list[str]] | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    exchanges: list[tuple[dict[str, str], int, bytes]] = field(default_factory=list)
    numbers: Any = field(default_factory=itertools.count)

    async def build(self, request: web.Request) -> web.Response:
        answer = await self._respond(request)
        body = answer.body if isinstance(answer.body, bytes) else b""
        self.exchanges.append((dict(request.query), answer.status, body))
        return answer

    async def _respond(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        self.asked.append(query)
        self.keys.append(request.headers.get("x-api-key"))
        headers = {"x-api-gateway-request-id": f"stub-{next(self.numbers)}"}
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.next_answers:
            status, body, more = self.next_answers.pop(0)
            text = body if isinstance(body, str) else None
            if text is not None:
                return web.Response(status=status, text=text, content_type="text/html", headers=headers | more)
            return web.json_response(body, status=status, headers=headers | more)
        for name in ("inputMint", "outputMint", "amount", "taker"):
            if name not in query:
                return web.json_response({"error": f"Query parameter {name} is required"}, status=400, headers=headers)
        answer = await self._answer(query)
        if answer is None:
            return web.json_response({"error": "No routes found"}, status=400, headers=headers)
        return web.json_response(self.edit(answer), headers=headers)

    async def _answer(self, query: dict[str, str]) -> dict[str, Any] | None:
        amount = int(query["amount"])
        [found] = await self.book.quote_all([QuoteRequest(query["inputMint"], query["outputMint"], amount)])
        wanted = {LABELS[label] for label in query.get("dexes", "").split(",") if label in LABELS}
        offers = [one.quote for one in found if isinstance(one, VenueQuote)]
        offers = [quote for quote in offers if not wanted or quote.venue in wanted]
        if not offers:
            return None
        best = max(offers, key=lambda quote: quote.amount_out)
        slippage = int(query.get("slippageBps", "50"))
        threshold = less_slippage(best.amount_out, slippage)
        swap = swap_instruction(
            self.book.pool(best.pool),
            owner=query["taker"],
            token_in=best.token_in,
            amount_in=amount,
            minimum_out=threshold,
        )
        now = time.time()
        return {
            "inputMint": best.token_in,
            "outputMint": best.token_out,
            "inAmount": str(amount),
            "outAmount": str(best.amount_out),
            "otherAmountThreshold": str(threshold),
            "swapMode": "ExactIn",
            "slippageBps": slippage,
            "priceImpactPct": "0.0001",
            "routePlan": [
                {
                    "swapInfo": {
                        "ammKey": best.pool,
                        "label": best.venue,
                        "inputMint": best.token_in,
                        "outputMint": best.token_out,
                        "inAmount": str(amount),
                        "outAmount": str(best.amount_out),
                    },
                    "percent": 100,
                    "bps": 10_000,
                    "usdValue": 1.25,
                }
            ],
            "computeBudgetInstructions": [shown(set_compute_unit_price(self.unit_price))],
            "setupInstructions": [
                shown(making_account(query["taker"], mint)) for mint in (best.token_in, best.token_out)
            ],
            "swapInstruction": shown(swap),
            "cleanupInstruction": None,
            "otherInstructions": [],
            "tipInstruction": None,
            "addressesByLookupTableAddress": self.tables,
            "blockhashWithMetadata": {
                "blockhash": list(range(32)),
                "lastValidBlockHeight": 12_345,
                "fetchedAt": {"secs_since_epoch": int(now), "nanos_since_epoch": int(now % 1 * 10**9)},
            },
            "aFieldOfLater": {"kept": True},
        }


def shown(instruction: Instruction) -> dict[str, Any]:
    """An instruction as Jupiter writes it."""
    return {
        "programId": str(instruction.program_id),
        "accounts": [
            {"pubkey": str(one.pubkey), "isSigner": one.is_signer, "isWritable": one.is_writable}
            for one in instruction.accounts
        ],
        "data": base64.b64encode(bytes(instruction.data)).decode(),
    }


def making_account(owner: str, mint: str) -> Instruction:
    """``CreateIdempotent``, which Jupiter always proposes, whether the account is there or not."""
    payer, key = Pubkey.from_string(owner), Pubkey.from_string(mint)
    rest = [AccountMeta(one, False, False) for one in (payer, key, Pubkey.default(), TOKEN)]
    account = AccountMeta(get_associated_token_address(payer, key), False, True)
    return Instruction(ATA, b"\x01", [AccountMeta(payer, True, True), account, *rest])


@asynccontextmanager
async def serving(stub: Any, *routes: web.RouteDef, port: int = 0) -> AsyncIterator[str]:
    """The address under which ``routes`` answer."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    try:
        stub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield stub.url
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running_jupiter(book: PoolBook) -> AsyncIterator[JupiterStub]:
    """The stub at ``url``, its paths under ``/swap/v2``."""
    stub = JupiterStub(book)
    async with serving(stub, web.get("/swap/v2/build", stub.build)):
        stub.url += "/swap/v2"
        yield stub
