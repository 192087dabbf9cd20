"""An outage is said when it begins and when it is over, and not again each time something is tried meanwhile."""

from __future__ import annotations


class Outages:
    """Of several parts that need the same: the first that fails begins an outage, the last one to go well ends it."""

    def __init__(self) -> None:
        self._failing: set[str] = set()

    def begins(self, part: str = "") -> bool:
        """``part`` has failed; whether an outage begins by it."""
        first = not self._failing
        self._failing.add(part)
        return first

    def ends(self, part: str = "") -> bool:
        """``part`` went well; whether an outage is over by it."""
        if part not in self._failing:
            return False
        self._failing.remove(part)
        return not self._failing
