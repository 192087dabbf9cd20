"""Base58 against solders, which knows the lengths of keys and signatures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey
from solders.signature import Signature

from chains import base58


@given(st.binary(min_size=32, max_size=32))
def test_a_key_reads_as_solders_writes_it(data: bytes) -> None:
    assert base58.encode(data) == str(Pubkey(data))


@given(st.binary(min_size=64, max_size=64))
def test_a_signature_reads_as_solders_writes_it(data: bytes) -> None:
    assert base58.encode(data) == str(Signature(data))


@given(st.binary(max_size=200))
def test_what_is_written_is_read_again(data: bytes) -> None:
    assert base58.decode(base58.encode(data)) == data


def test_another_alphabet_is_refused() -> None:
    with pytest.raises(ValueError, match="not base58"):
        base58.decode("0OIl")
