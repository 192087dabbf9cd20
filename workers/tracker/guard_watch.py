"""Orders all of whose transactions count as lost are followed on by their guard: what was recorded may be wrong.

Two endpoints may have lied, or an operator. The guard of such an order must stay absent; where it appears the order was
executed, and what the log says of it is put right or halts the account.
"""

from __future__ import annotations

from collections.abc import Sequence

from workers.tracker.tracked_attempt import TrackedAttempt
from workers.tracker.tracked_attempts import TrackedAttempts

BLOCKS_A_DAY = 216_000
"""A day of blocks of 400 ms: for so long after the last height at which it may land an attempt is followed."""
MOST_WATCHED = 5_000
MOST_LOSERS = 100_000


class GuardWatch:
    """What is followed on beyond its time costs memory: at most so many, and for a day."""

    def __init__(self, tracked: TrackedAttempts) -> None:
        self._tracked = tracked

    def due(self, finalized_height: int) -> list[TrackedAttempt]:
        """Those whose guards are to be asked for now.

        Those whose day is over, and the oldest of too many, are finished: the tracker lets go of them.
        """
        watched, losers = self._tracked.watched(), self._tracked.losers()
        for attempts, most in ((watched, MOST_WATCHED), (losers, MOST_LOSERS)):
            _finish(attempts[: max(0, len(attempts) - most)])
            _finish([one for one in attempts if finalized_height > one.lands_until + BLOCKS_A_DAY])
        return [attempt for attempt in watched if not attempt.schedule.finished]


def _finish(attempts: Sequence[TrackedAttempt]) -> None:
    for attempt in attempts:
        attempt.schedule.finish()
