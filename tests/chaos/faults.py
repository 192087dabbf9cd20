"""Faults of a node by name: which are active, how often each strikes, how often it did."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

SEND = ("sendTransaction",)

# What can be set, and the methods it is about; none named here: every method. The last two strike blocks, not calls;
# the six before them are lies.
METHODS: dict[str, tuple[str, ...]] = {
    "error": (),
    "http": (),
    "html": (),
    "half": (),
    "slow": (),
    "timeout": (),
    "drop": SEND,
    "delay": SEND,
    "duplicate": SEND,
    "blind": ("getSignatureStatuses", "getTransaction"),
    "behind": ("getSignatureStatuses",),
    "stale": ("getSlot", "getBlockHeight", "getEpochInfo"),
    "purged": (
        "getFirstAvailableBlock",
        "minimumLedgerSlot",
        "getBlock",
        "getBlocks",
        "getBlocksWithLimit",
        "getSignatureStatuses",
        "getTransaction",
    ),
    "genesis": ("getGenesisHash",),
    "denies": ("getSignatureStatuses", "getTransaction"),
    "fails": ("getSignatureStatuses", "getTransaction"),
    "guardless": ("getMultipleAccounts",),
    "ahead": ("getBlockHeight", "getEpochInfo"),
    "short": ("getLatestBlockhash",),
    "over": ("isBlockhashValid",),
    "stall": (),
    "fork": (),
}


@dataclass
class Fault:
    """One fault: on ``methods`` (those it is about where none is named), with ``probability``, for ``seconds`` or ever.

    The same ``seed`` strikes the same calls. ``params`` are the fault's own, see ``misbehaving`` and ``views``.
    """

    name: str
    methods: tuple[str, ...] = ()
    probability: float = 1.0
    seed: int = 0
    seconds: float | None = None
    params: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name not in METHODS:
            raise ValueError(f"no fault is called {self.name}; there are {', '.join(METHODS)}")
        self.methods = tuple(self.methods) or METHODS[self.name]
        self._dice = random.Random(self.seed)
        self._until = None if self.seconds is None else time.monotonic() + self.seconds

    @property
    def over(self) -> bool:
        return self._until is not None and time.monotonic() >= self._until

    def strikes(self, method: str) -> bool:
        return (not self.methods or method in self.methods) and self._dice.random() < self.probability


class Faults:
    """The active faults, in the order they were set, and the count of what each did."""

    def __init__(self) -> None:
        self.struck: Counter[str] = Counter()
        self._active: dict[int, Fault] = {}
        self._last = 0

    def set(self, fault: Fault) -> int:
        self._last += 1
        self._active[self._last] = fault
        return self._last

    def clear(self, number: int | None = None) -> None:
        for one in [number] if number is not None else list(self._active):
            self._active.pop(one, None)

    def active(self) -> dict[int, Fault]:
        self._active = {number: fault for number, fault in self._active.items() if not fault.over}
        return self._active

    def striking(self, method: str) -> Iterator[Fault]:
        """The faults that strike this call of ``method``."""
        for fault in list(self.active().values()):
            if fault.name not in ("stall", "fork") and fault.strikes(method):
                self.struck[fault.name] += 1
                yield fault

    def strikes_block(self, name: str) -> Fault | None:
        """The ``stall`` or ``fork`` that strikes the next block, if one does."""
        for fault in list(self.active().values()):
            if fault.name == name and fault.strikes(""):
                self.struck[name] += 1
                return fault
        return None
