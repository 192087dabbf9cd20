"""Letting the orders begin that follow another one in their list: not before as many endpoints as prove something show
that one's swap.

Where a single endpoint is configured they are released in the append that confirms it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime

from chains.errors import UnbelievableError
from chains.protocol import Chain
from commands.orders import OrderRepository
from domain.commands import ReleaseOrder
from domain.errors import NotApplicableError
from event_store.processors.leases import Lease
from workers.tracker.outcome_recorder import OutcomeRecorder
from workers.tracker.tracked_attempt import TrackedAttempt


class Followers:
    """After ``patience`` seconds in vain the first order says what its followers wait for, again every ``repeat``
    seconds.
    """

    def __init__(
        self,
        chain: Chain,
        orders: OrderRepository,
        recorder: OutcomeRecorder,
        clock: Callable[[], datetime],
        *,
        patience: float,
        repeat: float,
    ) -> None:
        self._chain = chain
        self._orders = orders
        self._recorder = recorder
        self._clock = clock
        self._patience = patience
        self._repeat = repeat

    async def look(self, lease: Lease, attempts: Sequence[TrackedAttempt]) -> None:
        """Ask all endpoints for the swaps that others wait for, and let those begin where enough show one."""
        await asyncio.gather(*(self._recorder.isolate(one, self._look, lease, one) for one in attempts))

    async def _look(self, lease: Lease, attempt: TrackedAttempt) -> None:
        try:
            shown = await self._chain.landing(attempt.sent, "confirmed", of_all=True)
        except UnbelievableError as error:
            return await self._report(attempt, str(error))
        if shown is None or shown.error:
            return await self._report(attempt, "no endpoint shows its swap any more")
        if not shown.is_enough:
            return await self._report(attempt, f"{', '.join(shown.shown_by)} alone shows its swap")
        return await self.begin(lease, attempt)

    async def begin(self, lease: Lease, attempt: TrackedAttempt) -> None:
        """Release what waits for the attempt's swap, which enough endpoints show. Done again it changes nothing."""
        leg = attempt.order.leg
        if leg is None or not attempt.is_waited_for:
            return
        # One that can't be read can't be decided on: it stays held.
        waiting = (await self._orders.known(leg.others)).orders
        for history in waiting.values():
            try:
                await self._orders.execute(history, ReleaseOrder(self._clock()), guards=(lease.guard,))
            except NotApplicableError:
                continue  # It has begun, or ended.
        await self._recorder.make_certain(attempt)
        attempt.schedule.others_begin()

    async def _report(self, attempt: TrackedAttempt, missing: str) -> None:
        reason = f"{missing}: what follows it in its list does not begin before another endpoint shows it, too"
        await self._recorder.report_unknown(attempt, reason, patience=self._patience, repeat=self._repeat)
