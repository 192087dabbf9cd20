"""What one instruction of a swap program asks for, as read from its data by who knows that program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SwapTerms:
    """``owner``, who signs, pays at most ``amount_in`` from ``source`` and gets at least ``minimum_out`` into
    ``destination``, or the program fails the whole transaction; amounts in base units. With ``exact_out`` it gets
    exactly that, for whatever it takes; without it pays exactly ``amount_in``, for whatever that gets.

    Accounts are positions among the instruction's own, from its end where they are negative. ``absent`` are optional
    accounts that must be left out, which these programs write as their own address.
    """

    owner: int
    source: int
    destination: int
    amount_in: int
    minimum_out: int
    absent: tuple[int, ...] = ()
    exact_out: bool = False


SwapReader = Callable[[bytes], SwapTerms | None]
"""The terms in an instruction's data; None where it isn't a swap whose limits can be read."""
