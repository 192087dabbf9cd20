"""The swap programs that this version knows: who reads the limits in their instructions.

A transaction may only call programs whose instructions are read: an allowed program can do much else with a wallet's
signature than to swap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.swap_terms import SwapReader
from venues import constant_product
from venues.errors import UnknownProgramError

READERS: Mapping[str, SwapReader] = {
    constant_product.PROGRAM_ID: constant_product.read_swap,
}


def readers_of(programs: Iterable[str]) -> dict[str, SwapReader]:
    """The readers of ``programs``. Raises ``UnknownProgramError`` for one whose instructions nobody here can read."""
    wanted = set(programs)
    if unknown := sorted(wanted - READERS.keys()):
        raise UnknownProgramError(unknown[0])
    return {program: READERS[program] for program in wanted}
