"""Comparing a confirmed order with the chain once no fork can undo it any more."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime

from chains.protocol import Chain
from commands.loaded_order import LoadedOrder
from domain.commands import RecordLanding, RestateOutcome
from domain.evidence import Landing
from domain.order import Attempt, Order
from event_store.processors.leases import Lease
from workers.outcome_question import sent_transaction
from workers.tracker.followers import Followers
from workers.tracker.outcome_recorder import OutcomeRecorder
from workers.tracker.tracked_attempt import TrackedAttempt


class Finality:
    """What is confirmed is what the first node said. Finalized, as many endpoints as it takes must show it alike.

    After ``patience`` seconds without that the order says so, again every ``repeat`` seconds.
    """

    def __init__(
        self,
        chain: Chain,
        recorder: OutcomeRecorder,
        followers: Followers,
        clock: Callable[[], datetime],
        *,
        patience: float,
        repeat: float,
    ) -> None:
        self._chain = chain
        self._recorder = recorder
        self._followers = followers
        self._clock = clock
        self._patience = patience
        self._repeat = repeat

    async def settle(self, lease: Lease, attempts: Sequence[TrackedAttempt]) -> None:
        """Finish those of confirmed orders whose outcome is final as it was recorded; restate what became another.

        ``attempts`` are winners, or losers that a node calls a success.
        """
        loaded = await self._recorder.load(attempts)
        now = time.monotonic()
        for attempt in attempts:
            attempt.schedule.proving(now, self._repeat)
        await asyncio.gather(
            *(
                self._recorder.isolate(attempt, self._settle, lease, attempt, loaded[attempt.order_id])
                for attempt in attempts
                if attempt.order_id in loaded
            )
        )

    async def _settle(self, lease: Lease, attempt: TrackedAttempt, history: LoadedOrder) -> None:
        order = history.order
        if order is None or order.status != "confirmed" or (winner := order.guard_taker) is None:
            return
        shown = await self._success(order, winner)
        if shown and shown.is_enough:
            await self._winner_is_final(lease, attempt, history, winner, shown)
        elif (other := await self._other(order, winner)) is None:
            await self._unsettled(attempt, shown)
        elif not await self._chain_still_shows(order, winner):
            number, landing = other
            await self._recorder.record(lease, attempt, history, RestateOutcome(number, landing))

    async def _winner_is_final(
        self, lease: Lease, attempt: TrackedAttempt, history: LoadedOrder, winner: Attempt, shown: Landing
    ) -> None:
        if attempt.number == winner.number:
            await self._followers.begin(lease, attempt)
            restate = RestateOutcome(winner.number, shown)
            if await self._recorder.record(lease, attempt, history, restate):
                attempt.schedule.finish()
            return
        landing = await self._chain.landing(attempt.sent, "finalized")
        if landing and landing.error is None and landing.is_enough:
            # Under one guard two can't succeed: the chain contradicts itself, or those that show it lie.
            second = RecordLanding(attempt.number, landing, self._clock())
            await self._recorder.record(lease, attempt, history, second)

    async def _other(self, order: Order, winner: Attempt) -> tuple[int, Landing] | None:
        """The other transaction of the order that took its guard, as enough endpoints show."""
        for attempt in order.attempts:
            if attempt.guard and attempt.number != winner.number:
                landing = await self._success(order, attempt)
                if landing and landing.is_enough:
                    return attempt.number, landing
        return None

    async def _success(self, order: Order, attempt: Attempt) -> Landing | None:
        landing = await self._chain.landing(sent_transaction(order, attempt), "finalized")
        return landing if landing and landing.error is None else None

    async def _chain_still_shows(self, order: Order, winner: Attempt) -> bool:
        """Whether the confirmed swap is one still, and isn't final yet: then nothing has taken its place."""
        landing = await self._chain.landing(sent_transaction(order, winner), "confirmed")
        return landing is not None and landing.error is None

    async def _unsettled(self, attempt: TrackedAttempt, shown: Landing | None) -> None:
        """Say with the order that one endpoint alone shows its swap to be final, or shows it so."""
        if shown:
            alone = f"{', '.join(shown.shown_by)} alone shows its swap so, finalized"
            await self._recorder.report_unknown(attempt, alone, patience=self._patience, repeat=self._repeat)
