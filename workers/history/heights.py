"""How high the chain was at some moment, as each endpoint says."""

from __future__ import annotations

from collections.abc import Mapping

from chains.wallet_history import Tip
from domain.evidence import BLOCKHASH_LIFE

TIMES = 3


class Heights:
    """The first that each has shown. One that shows less by more than a blockhash lives, several times in a row, has
    taken that back: a chain does not shrink, nor do all the nodes behind an address lag so much. So an overstated
    height is not waited for, and one answer of a node that catches up shortens no wait.
    """

    def __init__(self) -> None:
        self._said: dict[str, int] = {}
        self._lower: dict[str, int] = {}

    def take(self, tips: Mapping[str, Tip]) -> None:
        for name, tip in tips.items():
            is_lower = tip.height < self._said.setdefault(name, tip.height) - BLOCKHASH_LIFE
            self._lower[name] = self._lower.get(name, 0) + 1 if is_lower else 0
            if self._lower[name] >= TIMES:
                self._said[name] = tip.height

    def is_past(self, name: str, tip: Tip, blocks: int) -> bool:
        """Whether an endpoint that is at ``tip`` has come so many ``blocks`` further."""
        return tip.height >= self._said[name] + blocks

    @property
    def highest(self) -> tuple[int, str]:
        """With the name of the endpoint that says so."""
        return max((height, name) for name, height in self._said.items())
