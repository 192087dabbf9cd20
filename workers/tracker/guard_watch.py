"""Orders all of whose transactions count as lost are followed on by their guard: what was recorded may be wrong.

Two endpoints may have lied, or an operator. The guard of such an order must stay absent; where it appears the order was
executed, and what the log says of it is put right or halts the account.
"""

from __future__ import annotations

from collections.abc import Sequence

from chains.protocol import Chain
from workers.tracker.tracked_attempt import TrackedAttempt

BLOCKS_A_DAY = 216_000
"""A day of blocks of 400 ms: for so long after the last height at which it may land an attempt is followed."""
MOST_WATCHED = 5_000
MOST_LOSERS = 100_000


class GuardWatch:
    """What is followed on beyond its time costs memory: at most so many, and for a day."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain

    async def let_go(
        self, watched: Sequence[TrackedAttempt], losers: Sequence[TrackedAttempt], finalized_height: int
    ) -> None:
        """Finish the oldest of too many, and those whose day is over that were looked at since they are tracked: the
        tracker lets go of them. Raises ``ChainUnavailableError``.

        ``finalized_height`` is one endpoint's word: enough have to have passed that day, since what is let go of nobody
        looks at again.
        """
        for attempts, most in ((watched, MOST_WATCHED), (losers, MOST_LOSERS)):
            _finish(attempts[: max(0, len(attempts) - most)])
        over = _over([one for one in (*watched, *losers) if one.schedule.looked_at], finalized_height)
        if over:
            _finish(_over(over, await self._chain.passed_height()))


def _over(attempts: Sequence[TrackedAttempt], height: int) -> list[TrackedAttempt]:
    return [one for one in attempts if not one.schedule.finished and height > one.lands_until + BLOCKS_A_DAY]


def _finish(attempts: Sequence[TrackedAttempt]) -> None:
    for attempt in attempts:
        attempt.schedule.finish()
