"""What a venue's pools answer when they hold nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from solders.pubkey import Pubkey

from domain.codes import Code, meaning
from domain.quotes import Quote, Refusal
from domain.tokens import SOL, USDC
from venues.constant_product import Pool, encode_pool
from venues.pools import PoolBook
from venues.protocol import QuoteRequest, VenueQuote

PROGRAM = str(Pubkey.from_bytes(bytes([7]) * 32))
VAULTS = tuple(str(Pubkey.from_bytes(bytes([n]) * 32)) for n in (8, 9))


def pool() -> Pool:
    address = Pubkey.from_bytes(bytes([1]) * 32)
    authority, bump = Pubkey.find_program_address([bytes(address)], Pubkey.from_string(PROGRAM))
    mints = (SOL.mint, USDC.mint)
    return Pool(str(address), PROGRAM, str(authority), bump, "Orca", 25, mints, (VAULTS[0], VAULTS[1]))


@dataclass
class Answer:
    slot: int
    data: tuple[bytes | None, ...]


@dataclass
class Vaults:
    """Accounts as a chain would give them: a pool, and what its vaults hold."""

    held: dict[str, int]

    async def accounts(self, addresses: Sequence[str]) -> Answer:
        return Answer(5, tuple(bytes(64) + self.held[one].to_bytes(8, "little") for one in addresses))

    async def program_accounts(self, program: str) -> list[tuple[str, bytes]]:
        return [(pool().address, encode_pool(replace(pool())))]


async def answer(sol: int, usdc: int, amount: int = 10**9) -> Quote | Refusal:
    book = PoolBook(Vaults(dict(zip(VAULTS, (sol, usdc), strict=True))), PROGRAM)
    [[one]] = await book.quote_all([QuoteRequest(SOL.mint, USDC.mint, amount)])
    return one.quote if isinstance(one, VenueQuote) else one


@pytest.mark.parametrize(("sol", "usdc"), [(10**12, 0), (0, 10**12), (0, 0)])
async def test_a_pool_that_is_empty_for_a_moment_is_no_reason_to_fail_for_good(sol: int, usdc: int) -> None:
    refused = await answer(sol, usdc)
    assert isinstance(refused, Refusal)
    assert refused.code == Code.NO_LIQUIDITY
    assert not meaning(refused.code).final


async def test_an_amount_that_buys_nothing_of_a_full_pool_is_too_small() -> None:
    refused = await answer(10**15, 10**9, amount=2)
    assert isinstance(refused, Refusal)
    assert (refused.code, meaning(refused.code).final) == (Code.AMOUNT_TOO_SMALL, True)


async def test_a_pool_that_holds_both_quotes() -> None:
    assert isinstance(await answer(10**12, 10**12), Quote)
