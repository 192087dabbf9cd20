"""The limits in the swap instructions of Raydium's pool programs: read at their places, and nowhere guessed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.programs import raydium

AMOUNTS = struct.pack("<QQ", 10**9, 150_000_000)
# A price to stop at, none, and that the amount is what goes in.
IN, OUT = bytes(16) + b"\x01", bytes(16) + b"\x00"
CPMM, CLMM = bytes.fromhex("8fbe5adac41e33de"), bytes.fromhex("2b04ed0b1ac91e62")
U64 = st.integers(0, 2**64 - 1)


@pytest.mark.parametrize(
    ("read", "data", "accounts"),
    [
        (raydium.read_amm_v4, b"\x09" + AMOUNTS, (-1, -3, -2)),
        (raydium.read_cpmm, CPMM + AMOUNTS, (0, 4, 5)),
        (raydium.read_clmm, CLMM + AMOUNTS + IN, (0, 3, 4)),
    ],
)
def test_an_exact_amount_in_is_read(read, data, accounts) -> None:
    terms = read(data)
    assert (terms.owner, terms.source, terms.destination) == accounts
    assert (terms.amount_in, terms.minimum_out) == (10**9, 150_000_000)
    assert read(data[:-1]) is None
    assert read(data + b"\x01") is None
    assert read(b"\x0b" + data[1:]) is None


def test_an_exact_amount_out_is_not_read_as_one_in() -> None:
    assert raydium.read_clmm(CLMM + AMOUNTS + OUT) is None
    assert raydium.read_amm_v4(b"\x0b" + AMOUNTS) is None  # swapBaseOut
    assert raydium.read_cpmm(bytes.fromhex("37d96256a34ab4ad") + AMOUNTS) is None  # swap_base_output


@given(U64, U64, U64)
def test_the_least_amount_that_is_written_is_the_one_that_is_read(amount_in: int, quoted: int, least: int) -> None:
    amounts = struct.pack("<QQ", amount_in, quoted)
    for read, write, data in (
        (raydium.read_amm_v4, raydium.amm_v4_with_minimum, b"\x09" + amounts),
        (raydium.read_cpmm, raydium.cpmm_with_minimum, CPMM + amounts),
        (raydium.read_clmm, raydium.clmm_with_minimum, CLMM + amounts + IN),
    ):
        written = write(data, least)
        assert written is not None
        terms = read(written)
        assert terms is not None
        assert (terms.amount_in, terms.minimum_out) == (amount_in, least)
        assert write(b"\x00" + data, least) is None
