"""The limits in Jupiter's swap instructions: read at their places, written there, and nowhere guessed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.programs.jupiter import read_swap, with_minimum

# The first eight bytes of sha256("global:route_v2") and of sha256("global:shared_accounts_route_v2").
ROUTE, SHARED = bytes.fromhex("bb64facc31c4af14"), bytes.fromhex("d19853937cfed8e9")
U64 = st.integers(0, 2**64 - 1)


def route(
    amount_in: int, quoted: int, slippage: int = 0, platform: int = 0, positive: int = 0, plan: bytes = b""
) -> bytes:
    return ROUTE + struct.pack("<QQHHH", amount_in, quoted, slippage, platform, positive) + plan


def shared(amount_in: int, quoted: int, slippage: int = 0, platform: int = 0, positive: int = 0) -> bytes:
    return SHARED + b"\x07" + route(amount_in, quoted, slippage, platform, positive)[8:]


def test_a_route_of_the_wallets_own_accounts_is_read() -> None:
    terms = read_swap(route(10**9, 150_000_000, 50, plan=b"\x01\x00\x00\x00..."))
    assert terms is not None
    assert (terms.owner, terms.source, terms.destination, terms.absent) == (0, 1, 2, (7,))
    assert (terms.amount_in, terms.minimum_out) == (10**9, 149_250_000)


def test_a_route_through_shared_accounts_is_read() -> None:
    terms = read_swap(shared(10**9, 150_000_000))
    assert terms is not None
    assert (terms.owner, terms.source, terms.destination, terms.absent) == (1, 2, 5, ())
    assert (terms.amount_in, terms.minimum_out) == (10**9, 150_000_000)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        ROUTE,
        route(1, 1)[:-1],
        shared(1, 1)[:-1],
        bytes.fromhex("e517cb977ae3ad2a") + route(1, 1)[8:],  # `route`: its limits come after the plan
        bytes.fromhex("9d8ab85215f4f324") + route(1, 1)[8:],  # `exact_out_route_v2`: the amounts mean the opposite
        bytes.fromhex("1a4aec976840b7f9"),  # `close_token`
        route(1, 1, slippage=10_001),
        route(1, 1, platform=1),
        route(1, 1, positive=1),
    ],
)
def test_what_is_no_such_route_or_pays_others_a_fee_is_not_read(data: bytes) -> None:
    assert read_swap(data) is None


@given(U64, U64, st.integers(0, 10_000), U64, st.binary(max_size=40))
def test_the_least_amount_that_is_written_is_the_one_that_is_read(
    amount_in: int, quoted: int, slippage: int, least: int, plan: bytes
) -> None:
    data = route(amount_in, quoted, slippage, plan=plan)
    written = with_minimum(data, least)
    assert written is not None
    terms = read_swap(written)
    assert terms is not None
    assert (terms.amount_in, terms.minimum_out) == (amount_in, least)
    assert len(written) == len(data)
    assert written.endswith(plan)


def test_nothing_is_written_into_another_instruction() -> None:
    assert with_minimum(b"\x01" * 40, 5) is None
    again = with_minimum(shared(7, 9, 50), 8)
    assert again == shared(7, 8)
