"""A tracker that is stopped, at whatever moment, leaves no step behind that was made and never begun."""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

from event_store.processors.leases import Lease
from tests.unit.workers.tracker.test_tracked_attempts import BUILT, loaded
from workers.tracker.tracker import Pace, Tracker

STEPS = 20


class NothingOnChain:
    """Answers at once, that no signature is known."""

    async def statuses(self, signatures: Sequence[str], *, search_history: bool) -> Any:
        return SimpleNamespace(found=[None for _ in signatures])


class NoReasons:
    """A work table in which no order says why its outcome isn't known."""

    pool = None

    async def clear_uncertainty_by_reason(self, reasons: Sequence[str]) -> None: ...


async def test_no_step_of_a_poll_is_left_unbegun_wherever_the_poll_is_cancelled():
    none = cast("Any", None)
    work, chain = cast("Any", NoReasons()), cast("Any", NothingOnChain())
    gc.collect()  # What other tests have left behind is none of this one's.
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for steps in range(STEPS):
            tracker = Tracker(
                orders=none, accounts=none, closed=none, feed=none, work=work, chain=chain,
                commitment="confirmed", clock=none, trading=none, visits=none, pace=Pace(first_send=999),
            )  # fmt: skip
            tracker._tracked.update(loaded(*BUILT))
            polling = asyncio.create_task(
                tracker._poll_chunk(cast("Lease", None), tracker._tracked.select(ended=False))
            )
            for _ in range(steps):
                await asyncio.sleep(0)
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)
        gc.collect()
    assert [str(warning.message) for warning in warned] == []
    # The last of them was cancelled too late for anything to be in the midst of it.
    assert polling.done()
    assert not polling.cancelled()
