"""What is recorded with orders while nothing can be learned from the chain, and taken back once it can."""

from __future__ import annotations

import time
from collections.abc import Sequence

from workers.dispatch.work import WorkTable
from workers.tracker.tracked_attempt import TrackedAttempt

NO_ANSWER = "no node answers"
STANDS_STILL = "the finalized block height stands still"


class ChainSilence:
    """Knows since when the chain hasn't answered, or hasn't finalized a new block.

    After ``patience`` seconds of either, every order that waits says so, again every ``repeat`` seconds. A chain whose
    finalized height stands still answers, and yet proves nothing, however long one waits.
    """

    def __init__(self, work: WorkTable, *, patience: float, repeat: float) -> None:
        self._work = work
        self._patience = patience
        self._repeat = repeat
        self.finalized_height = 0
        self._answered_at = self._height_changed_at = time.monotonic()
        # A tracker that ran before this one may have recorded reasons: the first answer takes them back.
        self._reasons_recorded = True

    def height_is(self, height: int) -> None:
        """Note the finalized block height that the chain gave just now."""
        if height != self.finalized_height:
            self.finalized_height, self._height_changed_at = height, time.monotonic()

    async def no_answer(self, attempts: Sequence[TrackedAttempt]) -> None:
        """The chain was asked for the statuses of ``attempts`` and didn't answer."""
        if time.monotonic() - self._answered_at > self._patience:
            await self._record(attempts, NO_ANSWER)

    async def answered(self, attempts: Sequence[TrackedAttempt]) -> None:
        """The chain was asked for the statuses of ``attempts`` and answered."""
        self._answered_at = time.monotonic()
        if time.monotonic() - self._height_changed_at > self._patience:
            await self._record(attempts, STANDS_STILL)
        else:
            await self.take_back()

    async def take_back(self) -> None:
        """No order says any more that the chain is silent."""
        if self._reasons_recorded:
            await self._work.clear_uncertainty_by_reason([NO_ANSWER, STANDS_STILL])
            self._reasons_recorded = False

    async def _record(self, attempts: Sequence[TrackedAttempt], reason: str) -> None:
        """Say ``reason`` with each order that was sent a while ago and has no other reason yet."""
        self._reasons_recorded = True
        now = time.monotonic()
        for attempt in attempts:
            schedule = attempt.schedule
            waits = attempt.submitted and not (attempt.confirmed or attempt.order_ended or schedule.uncertain)
            if waits and schedule.is_report_due(now, self._patience):
                schedule.reported(now, self._repeat)
                await self._work.record_uncertainty(attempt.order_id, attempt.number, reason, permanent=False)
