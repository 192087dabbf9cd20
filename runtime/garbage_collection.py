"""When a role looks for reference cycles, objects that only hold each other: Python stops everything while it does.

Nearly all that there are die young. What has survived one collection is looked at again when the process has had little
to do for a while, or once there is a million more of it: in a burst that takes long and finds nothing.
"""

from __future__ import annotations

import asyncio
import gc
import time

# New objects between two collections of the young ones, which take ten milliseconds in a burst, where most are still in
# use; how many of those between two of what survived one, which take a tenth of a second; and how many of these, the
# idle ones among them, between two of everything: hardly ever.
THRESHOLDS = (10_000, 100, 2_500)
IDLE_EVERY_S = 60.0
# Of a core, over that time.
IDLE = 0.1
_SURVIVORS_OF_ONE = 1


def collect_seldom() -> None:
    """What is imported by now stays for good, and is never looked at."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


async def collect_when_idle(every_s: float = IDLE_EVERY_S) -> None:
    """Until it is cancelled, look through what survived a collection whenever the process had little to do lately."""
    while True:
        used, begun = time.process_time(), time.monotonic()
        await asyncio.sleep(every_s)
        if time.process_time() - used < IDLE * (time.monotonic() - begun):
            gc.collect(_SURVIVORS_OF_ONE)
