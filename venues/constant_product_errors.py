"""The swap program's error numbers: ``{"InstructionError": [3, {"Custom": 6006}]}`` is slippage in instruction 3."""

from __future__ import annotations

from enum import IntEnum


class ProgramError(IntEnum):
    """Numbers are public and never change their meaning; a new reason gets a new number."""

    WRONG_ACCOUNTS = 6001
    WRONG_OWNER = 6002
    MISSING_SIGNATURE = 6003
    POOL_NOT_IN_USE = 6004
    WRONG_VAULT = 6005
    SLIPPAGE_EXCEEDED = 6006
    OVERFLOW = 6007
    UNKNOWN_INSTRUCTION = 6008
    NOTHING_OUT = 6009
    WRONG_AUTHORITY = 6010
    WRONG_TOKEN_PROGRAM = 6011
    INSUFFICIENT_LIQUIDITY = 6012
