"""How the local chain behaves where it shall be less even than a laptop's: as clusters do now and then."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A slot takes ``slot_ms`` to ``most_ms`` milliseconds, evenly spread, where that is more.

    Every ``pause_every`` seconds nothing is confirmed or finalized for ``pause_for`` seconds: blocks are processed
    meanwhile, and the settled ones stay. 0 never pauses. The node answers at ``replica_port``, too, as one that is
    ``replica_blocks`` behind.
    """

    slot_ms: int = 100
    most_ms: int = 0
    pause_every: float = 0.0
    pause_for: float = 0.0
    replica_port: int | None = None
    replica_blocks: int = 0
    dice: random.Random = field(default_factory=random.Random)

    @property
    def mean_s(self) -> float:
        """What a slot takes on average, in seconds."""
        return (self.slot_ms + max(self.slot_ms, self.most_ms)) / 2_000

    def slot_s(self) -> float:
        """What the next slot takes, in seconds."""
        if self.most_ms <= self.slot_ms:
            return self.slot_ms / 1_000
        return self.dice.uniform(self.slot_ms, self.most_ms) / 1_000

    def pauses(self, since_start: float) -> bool:
        """Whether nothing is settled at so many seconds; the first pause comes after ``pause_every``."""
        if not (self.pause_every and self.pause_for):
            return False
        return since_start % (self.pause_every + self.pause_for) >= self.pause_every
