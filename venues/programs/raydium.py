"""The swap instructions of Raydium's pool programs: their limits at fixed places.

Constant product pools with and without an order book, and concentrated liquidity. Each has one for an exact amount in,
with a least amount out, and one for an exact amount out, with a most in; the oldest program has a second one of each,
without the accounts of the order book that it had. Their router's own instructions, for routes through several pools,
aren't read.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from domain.swap_terms import SwapTerms

AMM_V4 = "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"
CPMM = "CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C"
CLMM = "CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK"

AMM_V4_SLIPPAGE, CPMM_SLIPPAGE = 30, 6005
CLMM_SLIPPAGE = frozenset({6018, 6019, 6022, 6023})
"""Too little out, too much in. Releases of the program number its errors anew (programs/amm/src/error.rs): they were
6022 and 6023, and are 6018 and 6019 in the newest. What the other release calls by these numbers is no end of an order
either: there is too little in the pool, or not enough of it was named.
"""

_AMOUNTS = struct.Struct("<QQ")
_NO_PRICE_LIMIT = bytes(16)


class _Layout(NamedTuple):
    """``head`` is how the data begins, the amounts follow, and then ``tail`` bytes. ``exact_out``: the amount out is
    exact, and the other one the most in; ``out_first``: the amount out is the first of them.
    """

    head: bytes
    owner: int
    source: int
    destination: int
    tail: int = 0
    exact_out: bool = False
    out_first: bool = False


# Its accounts are 17 or 18, no other number: the wallet's are the last three.
_SWAP_BASE_IN = _Layout(b"\x09", owner=-1, source=-3, destination=-2)
_SWAP_BASE_OUT = _SWAP_BASE_IN._replace(head=b"\x0b", exact_out=True)
# Its newer ones (SwapBaseInV2, SwapBaseOutV2) have eight, the wallet's behind the program's own.
_SWAP_BASE_IN_V2 = _Layout(b"\x10", owner=7, source=5, destination=6)
_SWAP_BASE_OUT_V2 = _SWAP_BASE_IN_V2._replace(head=b"\x11", exact_out=True)
_AMM_V4_IN, _AMM_V4_OUT = (_SWAP_BASE_IN, _SWAP_BASE_IN_V2), (_SWAP_BASE_OUT, _SWAP_BASE_OUT_V2)
_SWAP_BASE_INPUT = _Layout(bytes.fromhex("8fbe5adac41e33de"), owner=0, source=4, destination=5)
_SWAP_BASE_OUTPUT = _SWAP_BASE_INPUT._replace(head=bytes.fromhex("37d96256a34ab4ad"), exact_out=True)
# After the amounts the price to stop at, and whether the first amount is what goes in: else they mean the opposite.
_SWAP_V2 = _Layout(bytes.fromhex("2b04ed0b1ac91e62"), owner=0, source=3, destination=4, tail=17)
_SWAP_V2_OUT = _SWAP_V2._replace(exact_out=True, out_first=True)


def read_amm_v4(data: bytes) -> SwapTerms | None:
    return next((terms for each in (*_AMM_V4_IN, *_AMM_V4_OUT) if (terms := _read(each, data))), None)


def read_cpmm(data: bytes) -> SwapTerms | None:
    return _read(_SWAP_BASE_INPUT, data) or _read(_SWAP_BASE_OUTPUT, data)


def read_clmm(data: bytes) -> SwapTerms | None:
    """One to an exact amount out mustn't have a price to stop at: there the program would pay out less."""
    if data[-1:] == b"\x01":
        return _read(_SWAP_V2, data)
    return _read(_SWAP_V2_OUT, data) if data[-17:] == _NO_PRICE_LIMIT + b"\x00" else None


def amm_v4_with_minimum(data: bytes, minimum_out: int) -> bytes | None:
    return next((new for each in _AMM_V4_IN if (new := _with_minimum(each, data, minimum_out))), None)


def amm_v4_with_maximum(data: bytes, maximum_in: int) -> bytes | None:
    return next((new for each in _AMM_V4_OUT if (new := _with_maximum(each, data, maximum_in))), None)


def cpmm_with_minimum(data: bytes, minimum_out: int) -> bytes | None:
    return _with_minimum(_SWAP_BASE_INPUT, data, minimum_out)


def cpmm_with_maximum(data: bytes, maximum_in: int) -> bytes | None:
    return _with_maximum(_SWAP_BASE_OUTPUT, data, maximum_in)


def clmm_with_minimum(data: bytes, minimum_out: int) -> bytes | None:
    return _with_minimum(_SWAP_V2, data, minimum_out) if data[-1:] == b"\x01" else None


def clmm_with_maximum(data: bytes, maximum_in: int) -> bytes | None:
    """Without a price to stop at, too: the program then insists on the whole amount out."""
    if data[-1:] != b"\x00":
        return None
    return _with_maximum(_SWAP_V2_OUT, data[:-17] + _NO_PRICE_LIMIT + b"\x00", maximum_in)


def _read(layout: _Layout, data: bytes) -> SwapTerms | None:
    at = len(layout.head)
    if not data.startswith(layout.head) or len(data) != at + _AMOUNTS.size + layout.tail:
        return None
    first, second = _AMOUNTS.unpack_from(data, at)
    amount_in, minimum_out = (second, first) if layout.out_first else (first, second)
    return SwapTerms(
        layout.owner, layout.source, layout.destination, amount_in, minimum_out, exact_out=layout.exact_out
    )


def _with_minimum(layout: _Layout, data: bytes, minimum_out: int) -> bytes | None:
    terms = _read(layout, data)
    return _with_amounts(layout, data, terms.amount_in, minimum_out) if terms else None


def _with_maximum(layout: _Layout, data: bytes, maximum_in: int) -> bytes | None:
    terms = _read(layout, data)
    return _with_amounts(layout, data, maximum_in, terms.minimum_out) if terms else None


def _with_amounts(layout: _Layout, data: bytes, amount_in: int, amount_out: int) -> bytes:
    at = len(layout.head)
    amounts = (amount_out, amount_in) if layout.out_first else (amount_in, amount_out)
    return data[:at] + _AMOUNTS.pack(*amounts) + data[at + _AMOUNTS.size :]
