"""The limits in the swap instructions of Raydium's pool programs: read at their places, and nowhere guessed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.codes import Code
from venues.programs import CUSTOM_CODES, raydium

AMOUNTS = struct.pack("<QQ", 10**9, 150_000_000)
# A price to stop at, none, and that the amount is what goes in.
IN, OUT = bytes(16) + b"\x01", bytes(16) + b"\x00"
CPMM, CLMM = bytes.fromhex("8fbe5adac41e33de"), bytes.fromhex("2b04ed0b1ac91e62")
CPMM_OUT = bytes.fromhex("37d96256a34ab4ad")
AMOUNTS_OUT_FIRST = struct.pack("<QQ", 150_000_000, 10**9)
U64 = st.integers(0, 2**64 - 1)


@pytest.mark.parametrize(
    ("read", "data", "accounts"),
    [
        (raydium.read_amm_v4, b"\x09" + AMOUNTS, (-1, -3, -2)),
        (raydium.read_amm_v4, b"\x10" + AMOUNTS, (7, 5, 6)),
        (raydium.read_cpmm, CPMM + AMOUNTS, (0, 4, 5)),
        (raydium.read_clmm, CLMM + AMOUNTS + IN, (0, 3, 4)),
    ],
)
def test_an_exact_amount_in_is_read(read, data, accounts) -> None:
    terms = read(data)
    assert (terms.owner, terms.source, terms.destination) == accounts
    assert (terms.amount_in, terms.minimum_out, terms.exact_out) == (10**9, 150_000_000, False)
    assert read(data[:-1]) is None
    assert read(data + b"\x01") is None
    assert read(b"\x12" + data[1:]) is None


@pytest.mark.parametrize(
    ("read", "data", "accounts"),
    [
        (raydium.read_amm_v4, b"\x0b" + AMOUNTS, (-1, -3, -2)),
        (raydium.read_amm_v4, b"\x11" + AMOUNTS, (7, 5, 6)),
        (raydium.read_cpmm, CPMM_OUT + AMOUNTS, (0, 4, 5)),
        (raydium.read_clmm, CLMM + AMOUNTS_OUT_FIRST + OUT, (0, 3, 4)),
    ],
)
def test_an_exact_amount_out_is_read_with_its_most_in(read, data, accounts) -> None:
    terms = read(data)
    assert (terms.owner, terms.source, terms.destination) == accounts
    assert (terms.amount_in, terms.minimum_out, terms.exact_out) == (10**9, 150_000_000, True)
    assert read(data[:-1]) is None
    assert read(data + b"\x00") is None
    assert read(b"\x12" + data[1:]) is None


def test_a_price_to_stop_at_is_not_read_where_the_amount_out_is_exact() -> None:
    """There the program pays out less than the amount, and fails nothing."""
    stops = (1 << 70).to_bytes(16, "little")
    assert raydium.read_clmm(CLMM + AMOUNTS_OUT_FIRST + stops + b"\x00") is None
    assert raydium.read_clmm(CLMM + AMOUNTS_OUT_FIRST + bytes(16) + b"\x02") is None
    assert raydium.read_clmm(CLMM + AMOUNTS + stops + b"\x01") is not None
    written = raydium.clmm_with_maximum(CLMM + AMOUNTS_OUT_FIRST + stops + b"\x00", 7)
    assert written is not None
    terms = raydium.read_clmm(written)
    assert terms is not None
    assert (terms.amount_in, terms.minimum_out) == (7, 150_000_000)


@given(U64, U64, U64)
def test_the_most_amount_that_is_written_is_the_one_that_is_read(amount_out: int, quoted: int, most: int) -> None:
    for read, write, least, data in (
        (
            raydium.read_amm_v4,
            raydium.amm_v4_with_maximum,
            raydium.amm_v4_with_minimum,
            b"\x0b" + struct.pack("<QQ", quoted, amount_out),
        ),
        (
            raydium.read_amm_v4,
            raydium.amm_v4_with_maximum,
            raydium.amm_v4_with_minimum,
            b"\x11" + struct.pack("<QQ", quoted, amount_out),
        ),
        (
            raydium.read_cpmm,
            raydium.cpmm_with_maximum,
            raydium.cpmm_with_minimum,
            CPMM_OUT + struct.pack("<QQ", quoted, amount_out),
        ),
        (
            raydium.read_clmm,
            raydium.clmm_with_maximum,
            raydium.clmm_with_minimum,
            CLMM + struct.pack("<QQ", amount_out, quoted) + OUT,
        ),
    ):
        written = write(data, most)
        assert written is not None
        terms = read(written)
        assert terms is not None
        assert (terms.amount_in, terms.minimum_out, terms.exact_out) == (most, amount_out, True)
        # What names the other amount isn't written to.
        assert least(data, 1) is None
        assert write(b"\x00" + data, most) is None


@pytest.mark.parametrize(
    ("write", "data"),
    [
        (raydium.amm_v4_with_maximum, b"\x09" + AMOUNTS),
        (raydium.amm_v4_with_maximum, b"\x10" + AMOUNTS),
        (raydium.cpmm_with_maximum, CPMM + AMOUNTS),
        (raydium.clmm_with_maximum, CLMM + AMOUNTS + IN),
    ],
)
def test_a_swap_of_an_exact_amount_in_is_given_no_maximum(write, data) -> None:
    assert write(data, 1) is None


@given(U64, U64, U64)
def test_the_least_amount_that_is_written_is_the_one_that_is_read(amount_in: int, quoted: int, least: int) -> None:
    amounts = struct.pack("<QQ", amount_in, quoted)
    for read, write, data in (
        (raydium.read_amm_v4, raydium.amm_v4_with_minimum, b"\x09" + amounts),
        (raydium.read_amm_v4, raydium.amm_v4_with_minimum, b"\x10" + amounts),
        (raydium.read_cpmm, raydium.cpmm_with_minimum, CPMM + amounts),
        (raydium.read_clmm, raydium.clmm_with_minimum, CLMM + amounts + IN),
    ):
        written = write(data, least)
        assert written is not None
        terms = read(written)
        assert terms is not None
        assert (terms.amount_in, terms.minimum_out) == (amount_in, least)
        assert write(b"\x00" + data, least) is None


@pytest.mark.parametrize(("too_little", "too_much"), [(6022, 6023), (6018, 6019)])
def test_a_price_that_moved_is_known_by_the_numbers_of_both_releases(too_little: int, too_much: int) -> None:
    numbers = CUSTOM_CODES[raydium.CLMM]
    assert {numbers[too_little], numbers[too_much]} == {Code.SLIPPAGE_EXCEEDED}
