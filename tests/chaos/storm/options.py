"""What a storm has beside its strikes, for as long as it lasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Option = Literal["liar", "replacements", "cancels", "amends", "lists", "accounts", "adapters"]
"""The first of two endpoints lies; the node drops most transactions, so that they are joined by others; one order of
four is cancelled at a random moment; every other order that waits for a price is amended; beside
every twenty orders there is an OCO or a TWAP; three accounts trade, each
with a key and a wallet of its own; the venues are remote services, which fail in their own ways.
"""
OPTIONS: tuple[Option, ...] = get_args(Option)

MAX_PRIORITY_FEE_LAMPORTS = 5_000
"""Little enough for orders with several attempts to come up against it."""


@dataclass(frozen=True)
class Standing:
    """A fault of the node's that stands from the beginning to the end of the storm."""

    name: str
    methods: tuple[str, ...] = ()
    probability: float = 1.0
    second: bool = False
    params: dict[str, Any] = field(default_factory=dict)


def settings_of(options: Sequence[Option]) -> dict[str, str]:
    """Environment variables of the engine."""
    fee = {"MAX_PRIORITY_FEE_LAMPORTS": str(MAX_PRIORITY_FEE_LAMPORTS)}
    return {**fee, "REPLACE_AFTER": "0.5"} if "replacements" in options else fee


def standing(options: Sequence[Option], seed: int) -> list[Standing]:
    """The faults that never cease. Where there is a liar it is the second endpoint of the node's, the engine's first;
    what it lies about it lies about each time it is asked.
    """
    found = []
    if "liar" in options:
        found += [
            Standing("denies", second=True, params={"share": 0.2, "salt": f"{seed} denies"}),
            Standing("fails", second=True, params={"share": 0.2, "salt": f"{seed} fails"}),
            Standing("guardless", second=True, params={"share": 0.4, "salt": f"{seed} guardless"}),
            Standing("ahead", probability=0.5, second=True, params={"blocks": 400}),
            Standing("short", probability=0.05, second=True, params={"blocks": 140}),
            Standing("over", second=True),
        ]
    if "replacements" in options:
        found.append(Standing("drop", probability=0.7, second="liar" in options))
    return found
