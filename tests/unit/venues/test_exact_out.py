"""Quotes for an exact amount out: the least amount in that buys it, to the base unit."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from domain.codes import Code
from domain.numbers import U64_MAX
from domain.quotes import Quote, Refusal
from domain.tokens import BONK, SOL, USDC, pair_of
from tests.unit.venues.test_pools import PROGRAM, VAULTS, Vaults, pool
from venues.constant_product import amount_in, amount_out, exact_out_instruction, read_swap, with_minimum
from venues.exact_out import exact_out_refusals
from venues.pools import PoolBook
from venues.prices import Depth, PairPrice
from venues.protocol import QuoteRequest, VenueGroup, VenueQuote

amounts = st.integers(1, U64_MAX)
fees = st.integers(0, 9_999)


@given(amounts, amounts, amounts, fees)
def test_it_buys_that_much_and_one_unit_less_does_not(wanted: int, x: int, y: int, fee_bps: int) -> None:
    paid = amount_in(wanted, x, y, fee_bps)
    if paid is None:
        most = amount_out(U64_MAX - x, x, y, fee_bps) or 0
        assert wanted >= y or most < wanted
        return
    assert (amount_out(paid, x, y, fee_bps) or 0) >= wanted
    assert (amount_out(paid - 1, x, y, fee_bps) or 0) < wanted


@given(st.integers(1, 10**12), st.integers(10**12, 10**16), st.integers(10**12, 10**16), fees)
def test_it_is_the_inverse_of_what_an_amount_in_gives(paid: int, x: int, y: int, fee_bps: int) -> None:
    out = amount_out(paid, x, y, fee_bps)
    if out:
        back = amount_in(out, x, y, fee_bps)
        assert back is not None and back <= paid


async def answer(wanted: int, sol: int = 10**12, usdc: int = 10**12) -> Quote | Refusal:
    book = PoolBook(Vaults(dict(zip(VAULTS, (sol, usdc), strict=True))), PROGRAM)
    [[one]] = await book.quote_all([QuoteRequest(SOL.mint, USDC.mint, 0, amount_out=wanted)])
    return one.quote if isinstance(one, VenueQuote) else one


async def test_a_pool_quotes_the_amount_in_and_its_fee() -> None:
    found = await answer(10**9)
    assert isinstance(found, Quote)
    assert (found.amount_in, found.amount_out) == (amount_in(10**9, 10**12, 10**12, 25), 10**9)
    assert found.fee_amount == -(-found.amount_in * 25 // 10_000)


async def test_more_than_a_pool_holds_is_refused_for_the_moment() -> None:
    for wanted, usdc in ((10**12, 10**12), (10**13, 10**12), (1, 0)):
        refused = await answer(wanted, usdc=usdc)
        assert isinstance(refused, Refusal) and refused.code == Code.NO_LIQUIDITY


def test_the_instructions_limits_are_read_as_what_they_are() -> None:
    instruction = exact_out_instruction(
        pool(), owner=VAULTS[0], token_in=SOL.mint, maximum_in=1_005, amount_out=70
    )  # fmt: skip
    terms = read_swap(bytes(instruction.data))
    assert terms is not None and (terms.amount_in, terms.minimum_out, terms.exact_out) == (1_005, 70, True)
    more = with_minimum(bytes(instruction.data), 71)
    assert more is not None and more[0] == instruction.data[0] == 2


class InAlone(VenueGroup):
    @property
    def venues(self) -> Mapping[str, frozenset[frozenset[str]]]:
        return {"Jupiter": frozenset({frozenset((SOL.mint, USDC.mint))})}


def test_a_venue_that_cannot_is_never_asked() -> None:
    for token, code in ((USDC, Code.EXACT_OUT_UNSUPPORTED), (BONK, Code.NO_VENUE)):
        [refused] = exact_out_refusals(InAlone(), QuoteRequest(SOL.mint, token.mint, 0, amount_out=1))
        assert refused.code == code
    assert exact_out_refusals(InAlone(), QuoteRequest(SOL.mint, USDC.mint, 1)) == []
    assert exact_out_refusals(PoolBook(Vaults({}), PROGRAM), QuoteRequest(SOL.mint, USDC.mint, 0, amount_out=1)) == []


def test_the_cheapest_of_all_depths_says_what_an_amount_costs() -> None:
    dear, cheap, small = (
        Depth("Orca", 30, 10**12, 10**12),
        Depth("Raydium", 5, 10**12, 10**12),
        Depth("Meteora", 0, 10, 10),
    )
    price = PairPrice(pair_of(SOL, USDC), Decimal(1), Decimal(1), (dear, cheap, small))
    assert price.cost("sell", 10**6) == amount_in(10**6, 10**12, 10**12, 5)
    assert price.cost("buy", 10**13) is None
