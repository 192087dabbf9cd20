"""The swap programs that this version knows: who reads the limits in their instructions.

A transaction may only call programs whose instructions are read: an allowed program can do much else with a wallet's
signature than to swap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from solders.instruction import Instruction

from domain.codes import Code
from domain.swap_terms import SwapReader
from venues import constant_product
from venues.constant_product_errors import ProgramError
from venues.errors import UnknownProgramError
from venues.programs import jupiter, raydium


class SwapProgram(NamedTuple):
    """``read`` gives the terms in an instruction's data; ``with_minimum`` the same data with another least amount out,
    which the program holds exactly; None where it isn't a swap. ``with_maximum`` gives that of a swap to an exact
    amount out with another most amount in; programs that aren't asked for one have none.
    """

    read: SwapReader
    with_minimum: Callable[[bytes, int], bytes | None]
    with_maximum: Callable[[bytes, int], bytes | None] | None = None


PROGRAMS: Mapping[str, SwapProgram] = {
    constant_product.PROGRAM_ID: SwapProgram(
        constant_product.read_swap, constant_product.with_minimum, constant_product.with_maximum
    ),
    jupiter.PROGRAM_ID: SwapProgram(jupiter.read_swap, jupiter.with_minimum),
    raydium.AMM_V4: SwapProgram(raydium.read_amm_v4, raydium.amm_v4_with_minimum, raydium.amm_v4_with_maximum),
    raydium.CPMM: SwapProgram(raydium.read_cpmm, raydium.cpmm_with_minimum, raydium.cpmm_with_maximum),
    raydium.CLMM: SwapProgram(raydium.read_clmm, raydium.clmm_with_minimum, raydium.clmm_with_maximum),
}
CUSTOM_CODES: Mapping[str, Mapping[int, Code]] = {
    constant_product.PROGRAM_ID: {
        int(ProgramError.SLIPPAGE_EXCEEDED): Code.SLIPPAGE_EXCEEDED,
        # What is built was quoted as something: the pool has changed since.
        int(ProgramError.NOTHING_OUT): Code.SLIPPAGE_EXCEEDED,
        int(ProgramError.INSUFFICIENT_LIQUIDITY): Code.NO_LIQUIDITY,
    },
    jupiter.PROGRAM_ID: {jupiter.SLIPPAGE_EXCEEDED: Code.SLIPPAGE_EXCEEDED},
    raydium.AMM_V4: {raydium.AMM_V4_SLIPPAGE: Code.SLIPPAGE_EXCEEDED},
    raydium.CPMM: {raydium.CPMM_SLIPPAGE: Code.SLIPPAGE_EXCEEDED},
    raydium.CLMM: dict.fromkeys(raydium.CLMM_SLIPPAGE, Code.SLIPPAGE_EXCEEDED),
}
"""What the programs' own error numbers mean, in our codes."""

PROGRAMS_OF = {
    "pools": (constant_product.PROGRAM_ID,),
    "jupiter": (jupiter.PROGRAM_ID,),
    "raydium": (raydium.AMM_V4, raydium.CPMM, raydium.CLMM),
    "meteora": (jupiter.PROGRAM_ID,),
    "orca": (jupiter.PROGRAM_ID,),
}
"""The programs that a venue swaps by, by its word in VENUES."""

READERS: Mapping[str, SwapReader] = {program: known.read for program, known in PROGRAMS.items()}


def with_minimum(instruction: Instruction, minimum_out: int) -> Instruction:
    """The proposed swap with the order's least amount out written into it; one that nobody here reads as it is."""
    known = PROGRAMS.get(str(instruction.program_id))
    return _with_data(instruction, known.with_minimum(bytes(instruction.data), minimum_out) if known else None)


def with_maximum(instruction: Instruction, maximum_in: int) -> Instruction:
    """The proposed swap to an exact amount out with the order's most amount in; one that is none as it is."""
    known = PROGRAMS.get(str(instruction.program_id))
    if known is None or known.with_maximum is None:
        return instruction
    return _with_data(instruction, known.with_maximum(bytes(instruction.data), maximum_in))


def _with_data(instruction: Instruction, data: bytes | None) -> Instruction:
    if data is None:
        return instruction
    return Instruction(instruction.program_id, data, list(instruction.accounts))


def readers_of(programs: Iterable[str]) -> dict[str, SwapReader]:
    """The readers of ``programs``. Raises ``UnknownProgramError`` for one whose instructions nobody here can read."""
    wanted = set(programs)
    if unknown := sorted(wanted - READERS.keys()):
        raise UnknownProgramError(unknown[0])
    return {program: READERS[program] for program in wanted}
