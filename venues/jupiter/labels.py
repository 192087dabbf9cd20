"""The venues that are routed through Jupiter, and the names of their programs in its ``dexes`` parameter.

Copied from Jupiter's list of program labels; a label it no longer knows finds no route.
"""

from __future__ import annotations

LABELS: dict[str, tuple[str, ...]] = {
    "jupiter": (),
    "meteora": ("Meteora", "Meteora DLMM", "Meteora DAMM v2"),
    "orca": ("Whirlpool", "Orca V2", "Orca V1"),
}
"""By the word in ``VENUES``; no labels are all of them."""

NAMES = {"jupiter": "Jupiter", "meteora": "Meteora via Jupiter", "orca": "Orca via Jupiter"}
"""As quotes carry them; the local chain's pools are called Raydium, Meteora and Orca."""
