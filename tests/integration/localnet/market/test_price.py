"""The local world's prices, and moving them."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from chains.solana_client import SolanaChain
from domain.tokens import JUP, SOL, USDC, USDT
from localnet.errors import PriceNotReachedError, UnknownPairError
from localnet.market.price import move, price
from localnet.world import pools
from tests.integration.localnet.local_node import LocalNode
from venues.constant_product import PROGRAM_ID, amount_out
from venues.pools import PoolBook
from venues.protocol import QuoteRequest, VenueQuote


async def pool_prices(node: LocalNode, base: str, quote: str) -> list[Decimal]:
    async with SolanaChain(node.url) as chain:
        book = PoolBook(chain, PROGRAM_ID)
        await book.load()
        _, amounts = await book.read_reserves(book.pools(base, quote))
        vaults = [pool.vaults_for(base) for pool in book.pools(base, quote)]
    return [Decimal(amounts[out]).scaleb(3) / Decimal(amounts[paid]) for paid, out in vaults]


def test_at_genesis_every_pool_of_a_pair_has_the_same_price_and_there_are_three() -> None:
    by_pair: dict[str, list[object]] = {}
    for spec in pools():
        price_here = Decimal(spec.quote).scaleb(-spec.pair.quote.decimals) / Decimal(spec.base).scaleb(
            -spec.pair.base.decimals
        )
        by_pair.setdefault(spec.pair.symbol, []).append(price_here)
    assert len(by_pair) >= 10
    assert all(len(prices) == 3 and len(set(prices)) == 1 for prices in by_pair.values())
    assert by_pair["SOL/USDC"][0] == 150


async def test_sol_starts_at_150_and_goes_where_it_is_moved(own_node: LocalNode) -> None:
    own_node.start()
    market = own_node.directory / "market.json"
    assert market.stat().st_mode & 0o777 == 0o600
    assert f"{await price(own_node.url, 'SOL/USDC'):.6f}" == "150.000000"
    for target in ("101.45", "162.3", "150"):
        await move(own_node.url, market, "SOL/USDC", Decimal(target))
        for one in await pool_prices(own_node, SOL.mint, USDC.mint):
            assert abs(one / Decimal(target) - 1) <= Decimal("0.0001")


async def test_a_price_is_reached_while_others_trade(own_node: LocalNode) -> None:
    own_node.start()
    pool = own_node.pool("Meteora", SOL.mint, USDC.mint)
    moving = asyncio.create_task(move(own_node.url, own_node.directory / "market.json", "SOL/USDC", Decimal("140.5")))
    for n in range(5):
        await asyncio.to_thread(lambda n=n: own_node.send(own_node.swap(pool, SOL.mint, 500 * 10**9 + n)))
    await moving
    assert abs(await price(own_node.url, "SOL/USDC") / Decimal("140.5") - 1) < Decimal("0.01")


async def test_a_price_too_far_or_a_pair_unknown_is_said_plainly(own_node: LocalNode) -> None:
    own_node.start()
    with pytest.raises(UnknownPairError, match="no pools trade SOL/DOGE"):
        await price(own_node.url, "SOL/DOGE")
    with pytest.raises(PriceNotReachedError, match="holds too little USDC"):
        await move(own_node.url, own_node.directory / "market.json", "SOL/USDC", Decimal("1e12"))


async def test_the_venues_quote_a_batch_from_one_read_and_the_best_is_by_recomputation(own_node: LocalNode) -> None:
    own_node.start()
    async with SolanaChain(own_node.url) as chain:
        book = PoolBook(chain, PROGRAM_ID)
        await book.load()
        assert list(book.venues) == ["Meteora", "Orca", "Raydium"]
        requests = [QuoteRequest(SOL.mint, USDC.mint, 10**9), QuoteRequest(USDT.mint, JUP.mint, 10**6)]
        answers = await book.quote_all(requests)
    for request, offers in zip(requests, answers, strict=True):
        quotes = [offer.quote for offer in offers if isinstance(offer, VenueQuote)]
        assert [quote.venue for quote in quotes] == list(book.venues)
        assert len({quote.amount_out for quote in quotes}) == 3
        for quote in quotes:
            assert quote.slot == quotes[0].slot
            assert quote.amount_out == amount_out(request.amount_in, quote.reserve_in, quote.reserve_out, quote.fee_bps)
    for pairs in book.venues.values():
        assert {SOL.mint, USDC.mint} in pairs
        assert {SOL.mint} not in pairs
