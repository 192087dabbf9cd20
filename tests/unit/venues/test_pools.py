"""What venues answer from the accounts of their pools as the chain gives them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from chains.protocol import AccountsAnswer
from domain.codes import meaning
from domain.quotes import Quote, Refusal
from tests.unit.venues.test_constant_product import PROGRAM, some_pool
from venues.constant_product import Pool, encode_pool
from venues.pools import PoolBook
from venues.protocol import QuoteRequest


class Accounts:
    """One pool's accounts, with ``reserves`` in its vaults; None where a vault isn't there."""

    def __init__(self, pool: Pool, reserves: tuple[int | None, int | None]) -> None:
        self._pool = pool
        self._data = {
            vault: None if amount is None else bytes(64) + amount.to_bytes(8, "little") + bytes(93)
            for vault, amount in zip(pool.vaults, reserves, strict=True)
        }

    async def accounts(self, addresses: Sequence[str]) -> AccountsAnswer:
        return AccountsAnswer(7, tuple(self._data[address] for address in addresses))

    async def program_accounts(self, program: str) -> list[tuple[str, bytes]]:
        return [(self._pool.address, encode_pool(self._pool))]


def quoted(reserves: tuple[int | None, int | None], amount: int) -> Quote | Refusal:
    pool = some_pool()
    book = PoolBook(Accounts(pool, reserves), PROGRAM)
    ((answer,),) = asyncio.run(book.quote_all([QuoteRequest(*pool.mints, amount)]))
    return answer


@pytest.mark.parametrize("reserves", [(0, 10**9), (10**9, 0), (0, 0), (None, None)])
def test_a_pool_that_is_empty_is_away_and_fails_no_order_for_good(reserves: tuple[int | None, int | None]) -> None:
    answer = quoted(reserves, 10**6)
    assert isinstance(answer, Refusal)
    assert (answer.code, meaning(answer.code).final) == ("venue_unavailable", False)


def test_an_amount_that_buys_nothing_of_a_filled_pool_is_too_small() -> None:
    answer = quoted((10**15, 10**3), 1)
    assert isinstance(answer, Refusal)
    assert (answer.code, meaning(answer.code).final) == ("amount_too_small", True)
