"""The swap instructions of Raydium's pool programs: exact amounts in, a least amount out, at fixed places.

Constant product pools with and without an order book, and concentrated liquidity. Their router's own instructions, for
routes through several pools, aren't read.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from domain.swap_terms import SwapTerms

AMM_V4 = "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"
CPMM = "CPMMoo8L3F4NbTegBCKVNunggL7H1ZpdTHKxQB5qKP1C"
CLMM = "CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK"

AMM_V4_SLIPPAGE, CPMM_SLIPPAGE, CLMM_SLIPPAGE = 30, 6005, 6022

_AMOUNTS = struct.Struct("<QQ")


class _Layout(NamedTuple):
    """``head`` is how the data begins, the amounts follow, and then ``tail`` bytes."""

    head: bytes
    owner: int
    source: int
    destination: int
    tail: int = 0


# Its accounts are 17 or 18, no other number: the wallet's are the last three.
_SWAP_BASE_IN = _Layout(b"\x09", owner=-1, source=-3, destination=-2)
_SWAP_BASE_INPUT = _Layout(bytes.fromhex("8fbe5adac41e33de"), owner=0, source=4, destination=5)
# After the amounts the price to stop at, and whether the first amount is what goes in: it must be, or they mean the
# opposite.
_SWAP_V2 = _Layout(bytes.fromhex("2b04ed0b1ac91e62"), owner=0, source=3, destination=4, tail=17)


def read_amm_v4(data: bytes) -> SwapTerms | None:
    return _read(_SWAP_BASE_IN, data)


def read_cpmm(data: bytes) -> SwapTerms | None:
    return _read(_SWAP_BASE_INPUT, data)


def read_clmm(data: bytes) -> SwapTerms | None:
    return _read(_SWAP_V2, data) if data[-1:] == b"\x01" else None


def amm_v4_with_minimum(data: bytes, minimum_out: int) -> bytes | None:
    return _with_minimum(_SWAP_BASE_IN, data, minimum_out)


def cpmm_with_minimum(data: bytes, minimum_out: int) -> bytes | None:
    return _with_minimum(_SWAP_BASE_INPUT, data, minimum_out)


def clmm_with_minimum(data: bytes, minimum_out: int) -> bytes | None:
    return _with_minimum(_SWAP_V2, data, minimum_out)


def _read(layout: _Layout, data: bytes) -> SwapTerms | None:
    at = len(layout.head)
    if not data.startswith(layout.head) or len(data) != at + _AMOUNTS.size + layout.tail:
        return None
    amount_in, minimum_out = _AMOUNTS.unpack_from(data, at)
    return SwapTerms(layout.owner, layout.source, layout.destination, amount_in, minimum_out)


def _with_minimum(layout: _Layout, data: bytes, minimum_out: int) -> bytes | None:
    terms = _read(layout, data)
    if terms is None:
        return None
    at = len(layout.head)
    return data[:at] + _AMOUNTS.pack(terms.amount_in, minimum_out) + data[at + _AMOUNTS.size :]
