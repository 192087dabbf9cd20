"""The price for compute that a venue proposes: a hint for ours, which alone is offered."""

from __future__ import annotations

from collections.abc import Iterable

from solders.instruction import Instruction

COMPUTE_BUDGET = "ComputeBudget111111111111111111111111111111"
_SET_PRICE, _LENGTH = 3, 9


def unit_price(instructions: Iterable[Instruction]) -> int:
    """In micro-lamports a unit; 0 where none is proposed."""
    for one in instructions:
        data = bytes(one.data)
        if str(one.program_id) == COMPUTE_BUDGET and len(data) == _LENGTH and data[0] == _SET_PRICE:
            return int.from_bytes(data[1:], "little")
    return 0
