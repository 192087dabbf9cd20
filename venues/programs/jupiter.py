"""The swap instructions of Jupiter's aggregator program that ``/build`` hands out, their limits at fixed places.

``route_v2(in_amount u64, quoted_out_amount u64, slippage_bps u16, platform_fee_bps u16, positive_slippage_bps u16,
route_plan)``, and ``shared_accounts_route_v2`` with one more byte in front, its ``id``. The older routes have theirs
behind a plan of any length, and aren't read. Accounts as in the program's published interface description.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from domain.numbers import BPS
from domain.swap_terms import SwapTerms

PROGRAM_ID = "JUP6LkbZbjS1jKKwapdHNy74zcZ3tLUZoi5QNyVTaV4"
SLIPPAGE_EXCEEDED = 6001

_LIMITS = struct.Struct("<QQHHH")


class _Layout(NamedTuple):
    """Where the limits begin in the data, and which accounts are which; ``absent`` may be paid into in its place."""

    limits: int
    owner: int
    source: int
    destination: int
    absent: tuple[int, ...]


_LAYOUTS = {
    bytes.fromhex("bb64facc31c4af14"): _Layout(8, owner=0, source=1, destination=2, absent=(7,)),
    bytes.fromhex("d19853937cfed8e9"): _Layout(9, owner=1, source=2, destination=5, absent=()),
}


def read_swap(data: bytes) -> SwapTerms | None:
    """The terms of a route; None where it is another instruction, or takes a fee for somebody else."""
    found = _limits(data)
    if found is None:
        return None
    layout, (amount_in, quoted, slippage_bps, platform_fee_bps, positive_slippage_bps) = found
    if slippage_bps > BPS or platform_fee_bps or positive_slippage_bps:
        return None
    return SwapTerms(
        owner=layout.owner,
        source=layout.source,
        destination=layout.destination,
        amount_in=amount_in,
        minimum_out=quoted * (BPS - slippage_bps) // BPS,
        absent=layout.absent,
    )


def with_minimum(data: bytes, minimum_out: int) -> bytes | None:
    """The same route that gets ``minimum_out`` at least: as if that had been quoted, without slippage."""
    found = _limits(data)
    if found is None:
        return None
    layout, (amount_in, _, _, platform_fee_bps, positive_slippage_bps) = found
    limits = _LIMITS.pack(amount_in, minimum_out, 0, platform_fee_bps, positive_slippage_bps)
    return data[: layout.limits] + limits + data[layout.limits + _LIMITS.size :]


def _limits(data: bytes) -> tuple[_Layout, tuple[int, ...]] | None:
    layout = _LAYOUTS.get(data[:8])
    if layout is None or len(data) < layout.limits + _LIMITS.size:
        return None
    return layout, _LIMITS.unpack_from(data, layout.limits)
