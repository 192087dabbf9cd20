"""Wrong keys from one address are slowed down: past a few a minute they are refused unseen, and told to wait.

A right key is never refused for it: others may share the address.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

MOST = 10
WINDOW_S = 60.0
# So many addresses are remembered; whoever has more than these has to try them in turn.
_ADDRESSES = 10_000


class WrongKeys:
    """Counts by address in windows of ``WINDOW_S`` seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def count(self, address: str) -> int:
        """One more from ``address``; for how many seconds it should wait, 0 where these are few."""
        now = self._clock()
        since, count = self._counts.pop(address, (now, 0))
        if now - since >= WINDOW_S:
            since, count = now, 0
        self._counts[address] = since, count + 1
        if len(self._counts) > _ADDRESSES:
            self._counts.popitem(last=False)
        return max(1, int(since + WINDOW_S - now)) if count >= MOST else 0
