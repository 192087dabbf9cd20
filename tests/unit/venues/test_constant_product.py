"""The pool's arithmetic against the formula in exact rationals, and its account's layout."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from domain.numbers import U64_MAX
from domain.quotes import fee_on
from venues.constant_product import (
    POOL_SIZE,
    Pool,
    amount_out,
    decode_pool,
    encode_pool,
    marginal_rate,
    swap_instruction,
)
from venues.constant_product_errors import ProgramError
from venues.pools import PoolBook

PROGRAM = str(Pubkey.new_unique())
amounts = st.integers(1, U64_MAX)
reserves = st.integers(1, U64_MAX)
fees = st.integers(0, 9_999)


def some_pool() -> Pool:
    address = Pubkey.new_unique()
    authority, bump = Pubkey.find_program_address([bytes(address)], Pubkey.from_string(PROGRAM))
    keys = [str(Pubkey.new_unique()) for _ in range(4)]
    return Pool(
        address=str(address),
        program=PROGRAM,
        authority=str(authority),
        bump=bump,
        venue="Raydium",
        fee_bps=25,
        mints=(keys[0], keys[1]),
        vaults=(keys[2], keys[3]),
    )


@given(amounts, fees)
def test_the_fee_is_rounded_up_and_never_more_than_the_amount(amount: int, fee_bps: int) -> None:
    fee = fee_on(amount, fee_bps)
    assert fee == math.ceil(Fraction(amount * fee_bps, 10_000))
    assert 0 <= fee <= amount


@given(amounts, reserves, reserves, fees)
def test_the_amount_out_is_the_formula_rounded_down(amount: int, x: int, y: int, fee_bps: int) -> None:
    out = amount_out(amount, x, y, fee_bps)
    if x + amount > U64_MAX:
        assert out is None
        return
    net = amount - math.ceil(Fraction(amount * fee_bps, 10_000))
    assert out == math.floor(Fraction(y * net, x + net))


@given(amounts, reserves, reserves, fees)
def test_a_swap_never_lowers_the_product_of_the_reserves(amount: int, x: int, y: int, fee_bps: int) -> None:
    out = amount_out(amount, x, y, fee_bps)
    if out is not None:
        assert (x + amount) * (y - out) >= x * y


@given(amounts, reserves, reserves, fees)
def test_no_amount_gets_more_than_the_marginal_rate(amount: int, x: int, y: int, fee_bps: int) -> None:
    out = amount_out(amount, x, y, fee_bps)
    if out is not None:
        assert out <= amount * marginal_rate(x, y, fee_bps)


def test_a_pool_reads_back_as_it_was_written() -> None:
    pool = some_pool()
    data = encode_pool(pool)
    assert len(data) == POOL_SIZE
    assert decode_pool(pool.address, PROGRAM, data) == pool


def test_an_account_that_is_no_pool_in_use_is_none() -> None:
    pool = some_pool()
    data = encode_pool(pool)
    assert decode_pool(pool.address, PROGRAM, b"\0" + data[1:]) is None
    assert decode_pool(pool.address, PROGRAM, data[:-1]) is None


@pytest.mark.parametrize("label", [b"A\xffB", b"A\0B", b"\x1b[2J", b""], ids=repr)
def test_an_account_whose_name_is_nonsense_is_no_pool(label: bytes) -> None:
    pool = some_pool()
    data = encode_pool(pool)[:-16] + label.ljust(16, b"\0")
    assert decode_pool(pool.address, PROGRAM, data) is None


def test_an_account_whose_bump_gives_no_authority_is_no_pool() -> None:
    """About half of all bumps give none."""
    pool = some_pool()
    data = encode_pool(pool)
    found = [decode_pool(pool.address, PROGRAM, data[:1] + bytes([bump]) + data[2:]) for bump in range(256)]
    assert None in found
    assert pool in found


@given(st.binary(min_size=POOL_SIZE, max_size=POOL_SIZE + 8))
def test_whatever_is_in_an_account_it_is_a_pool_or_none(data: bytes) -> None:
    pool = decode_pool(str(Pubkey.new_unique()), PROGRAM, b"\x01" + data[1:2] + b"\0\0" + data[4:])
    assert pool is None or encode_pool(pool)[:4] == b"\x01" + data[1:2] + b"\0\0"


async def test_a_garbled_account_hides_no_other_pool() -> None:
    good, data = some_pool(), encode_pool(some_pool())
    garbled = [(str(Pubkey.new_unique()), data[:1] + bytes([bump]) + data[2:-16] + b"\xff" * 16) for bump in range(9)]

    class Reader:
        async def program_accounts(self, program: str) -> list[tuple[str, bytes]]:
            return [*garbled, (good.address, encode_pool(good))]

        async def accounts(self, addresses: Sequence[str]) -> NoReturn:
            raise AssertionError

    book = PoolBook(Reader(), PROGRAM)
    await book.load()
    assert book.pool(good.address) == good
    assert set(book.venues) == {"Raydium"}


def test_a_swap_pays_into_the_vault_of_the_token_it_pays_with() -> None:
    pool = some_pool()
    for token_in, (vault_in, vault_out) in zip(pool.mints, (pool.vaults, pool.vaults[::-1]), strict=True):
        instruction = swap_instruction(
            pool, owner=str(Pubkey.new_unique()), token_in=token_in, amount_in=7, minimum_out=3
        )
        assert [str(meta.pubkey) for meta in instruction.accounts[4:6]] == [vault_in, vault_out]
        assert instruction.data == bytes([1]) + (7).to_bytes(8, "little") + (3).to_bytes(8, "little")


def test_the_error_numbers_are_those_of_the_program() -> None:
    source = Path("localnet/program/constant_product.c").read_text()
    declared = {name: int(number) for name, number in re.findall(r"^  ([A-Z_]+) = (\d{4}),$", source, re.MULTILINE)}
    assert declared == {error.name: error.value for error in ProgramError}
