"""What the roles of one process share: the settings, the store and the market."""

from __future__ import annotations

from dataclasses import dataclass

from runtime.composition import Market, Store
from runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    settings: Settings
    store: Store
    market: Market
