"""A real local node in its own process, a funded wallet, and what it takes to swap on it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import httpx2
import pytest
from solders.keypair import Keypair
from solders.transaction import VersionedTransaction

from chains.errors import ChainUnavailableError
from chains.guard import GUARD_BYTES
from chains.protocol import Blockhash, OutcomeQuestion, SentTransaction
from chains.solana_client import SolanaChain
from chains.transactions import compose
from chains.wallet import Wallet
from domain.codes import Code
from domain.quotes import Quote
from domain.tokens import SOL, USDC
from tests.plain_http import NO_AUTHORITIES
from tests.ports import free_port
from venues.constant_product import PROGRAM_ID
from venues.constant_product_errors import ProgramError
from venues.pools import PoolBook
from venues.protocol import QuoteRequest, VenueQuote

CODES = {PROGRAM_ID: {ProgramError.SLIPPAGE_EXCEEDED: Code.SLIPPAGE_EXCEEDED}}
DEADLINE = 30.0

T = TypeVar("T")

_SERVE = """
import asyncio, pathlib, sys
from localnet.main import serve
port, directory, wallet = sys.argv[1:]
asyncio.run(serve(host="127.0.0.1", port=int(port), directory=pathlib.Path(directory), wallet=wallet, slot_ms=40))
"""


async def until(ask: Callable[[], Awaitable[T | None]], deadline: float = DEADLINE) -> T:
    """What ``ask`` answers once that is something; it is asked again every 20 ms."""
    end = time.monotonic() + deadline
    while True:
        answer = await ask()
        if answer is not None:
            return answer
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.02)


@dataclass(frozen=True)
class Node:
    """The node's address, and the wallet it funded."""

    url: str
    wallet: Wallet

    def chain(self, url: str = "", *extra_urls: str) -> SolanaChain:
        return SolanaChain(url or self.url, extra_urls=extra_urls, custom_codes=CODES)

    def http(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=self.url, trust_env=False, verify=NO_AUTHORITIES)


@pytest.fixture(scope="package")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    keypair = Keypair()
    port = free_port()
    directory: Path = tmp_path_factory.mktemp("localnet")
    process = subprocess.Popen([sys.executable, "-c", _SERVE, str(port), str(directory), str(keypair.pubkey())])
    try:
        served = Node(f"http://127.0.0.1:{port}", Wallet(keypair))
        asyncio.run(_ready(served))
        yield served
    finally:
        process.terminate()
        process.wait(10)


async def _ready(node: Node) -> None:
    async def answers() -> str | None:
        try:
            return await chain.genesis_hash()
        except ChainUnavailableError:
            return None

    async with node.chain() as chain:
        await until(answers)


@pytest.fixture
async def chain(node: Node) -> AsyncIterator[SolanaChain]:
    async with node.chain() as open_chain:
        yield open_chain


@dataclass(frozen=True)
class Attempt:
    """A signed swap that nobody has sent yet."""

    transaction: VersionedTransaction
    quote: Quote
    sent: SentTransaction
    question: OutcomeQuestion


class Trader:
    """Quotes, composes and signs as the engine does, one order after another."""

    def __init__(self, node: Node, chain: SolanaChain) -> None:
        self._wallet = node.wallet
        self._chain = chain
        self._book = PoolBook(chain, PROGRAM_ID)

    async def quote(self, amount_in: int) -> Quote:
        """The first venue's quote for ``amount_in`` lamports in USDC."""
        answers = (await self._book.quote_all([QuoteRequest(SOL.mint, USDC.mint, amount_in)]))[0]
        return next(one.quote for one in answers if isinstance(one, VenueQuote))

    async def attempt(
        self, amount_in: int, *, minimum_out: int | None = None, blockhash: Blockhash | None = None
    ) -> Attempt:
        quote = await self.quote(amount_in)
        recent = blockhash or await self._chain.latest_blockhash()
        order_id = uuid4()
        guard = self._wallet.guard_key().of_order(self._wallet.address, order_id)
        proposal = await self._book.swap(
            VenueQuote(quote), owner=self._wallet.address, minimum_out=minimum_out or quote.amount_out
        )
        message = compose(
            proposal.instructions,
            wallet=self._wallet.address,
            guard=guard.instructions(await self._chain.rent(GUARD_BYTES)),
            order_id=order_id,
            attempt=1,
            blockhash=recent.blockhash,
            compute_units=100_000,
        )
        transaction = self._wallet.sign(message)
        signature = str(transaction.signatures[0])
        sent = SentTransaction(
            *(signature, self._wallet.address, SOL.mint, USDC.mint, guard.address),
            lands_until=recent.last_valid_block_height,
            blockhash=recent.blockhash,
        )
        genesis_hash = await self._chain.genesis_hash()
        question = OutcomeQuestion(genesis_hash, guard.address, (sent,))
        return Attempt(transaction, quote, sent, question)


@pytest.fixture
def trader(node: Node, chain: SolanaChain) -> Trader:
    return Trader(node, chain)
