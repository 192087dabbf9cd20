"""Recording that an attempt is on chain: read from the transaction itself, and final only as enough endpoints show."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from chains.errors import UnbelievableError
from chains.protocol import Chain, OutcomeQuestion
from commands.loaded_order import LoadedOrder
from domain.commands import RecordLanding
from domain.evidence import Commitment, ExpiryEvidence, Landing
from event_store.processors.leases import Lease
from workers.tracker.outcome_recorder import OutcomeRecorder
from workers.tracker.outcomes_asked import outcomes_of
from workers.tracker.tracked_attempt import TrackedAttempt

ASK_AGAIN_S = 0.5
"""For so long nothing is asked again of a transaction that one endpoint alone shows to be final, or unbelievably."""


class LandingRecorder:
    """``commitment`` is the one at which a success confirms an order. ``patience`` in seconds: how long an order waits
    for a second endpoint before it says so.
    """

    def __init__(
        self,
        chain: Chain,
        recorder: OutcomeRecorder,
        clock: Callable[[], datetime],
        *,
        commitment: Commitment,
        patience: float,
    ) -> None:
        self._chain = chain
        self._recorder = recorder
        self._clock = clock
        self._commitment = commitment
        self._patience = patience

    async def read(self, lease: Lease, landed: Iterable[tuple[TrackedAttempt, Commitment]]) -> None:
        """Read the attempts' transactions, each at its commitment, and record what they show."""
        landings: list[tuple[TrackedAttempt, Landing]] = []

        async def read_one(attempt: TrackedAttempt, commitment: Commitment) -> None:
            try:
                landing = await self._chain.landing(attempt.sent, commitment)
            except UnbelievableError as error:
                attempt.schedule.doubt(time.monotonic(), ASK_AGAIN_S)
                await self._report(attempt, str(error))
                return
            if landing:
                landings.append((attempt, landing))

        await asyncio.gather(*(self._recorder.isolate(one, read_one, one, commitment) for one, commitment in landed))
        loaded = await self._recorder.load([attempt for attempt, _ in landings])
        proofs = await self._proofs(landings)
        await asyncio.gather(
            *(
                self.record(
                    lease, attempt, loaded[attempt.order_id], attempt.number, landing, proofs.get(attempt.signature)
                )
                for attempt, landing in landings
                if attempt.order_id in loaded
            )
        )

    async def record(
        self,
        lease: Lease,
        attempt: TrackedAttempt,
        history: LoadedOrder,
        number: int,
        landing: Landing,
        evidence: ExpiryEvidence | None = None,
    ) -> None:
        """Record the landing of attempt ``number``, which was learned of in following ``attempt``.

        A finalized success that one endpoint of two shows counts as confirmed. It doesn't cancel an order, nor confirm
        one that shall be confirmed by what is finalized.
        """
        if landing.error is None and landing.commitment == "finalized" and not landing.is_enough:
            shown = history.order and history.order.attempt(number)
            waits = self._commitment == "finalized" or (shown and shown.purpose == "cancel")
            if waits and history.order and not history.order.ended:
                alone = f"{', '.join(landing.shown_by)} alone shows that it landed, finalized"
                attempt.schedule.wait(time.monotonic(), ASK_AGAIN_S)
                return await self._report(attempt, alone)
            landing = landing.model_copy(update={"commitment": "confirmed"})
        command = RecordLanding(number, landing, self._clock(), evidence=evidence)
        await self._recorder.record(lease, attempt, history, command)
        return None

    async def _report(self, attempt: TrackedAttempt, missing: str) -> None:
        """The order says what is ``missing``, where that lasts."""
        await self._recorder.report_unknown(attempt, missing, patience=self._patience, repeat=self._patience)

    async def _proofs(self, landings: Sequence[tuple[TrackedAttempt, Landing]]) -> dict[str, ExpiryEvidence]:
        """Of what failed, by signature: the proof that no transaction of its order has succeeded, where there is one.

        Without it a failure lets the order go on, and not end. Of one whose guard was closed elsewhere there is none:
        that the guard isn't there proves nothing.
        """
        failed: list[tuple[TrackedAttempt, OutcomeQuestion]] = []

        async def ask(attempt: TrackedAttempt) -> None:
            if attempt.question and not await self._recorder.is_closed_elsewhere(attempt):
                failed.append((attempt, attempt.question))

        for attempt, landing in landings:
            if landing.error and attempt.question and not attempt.order_ended:
                # Where it can't be told, as of a stream that can't be read, there is no proof.
                await self._recorder.isolate(attempt, ask, attempt)
        if not failed:
            return {}
        answered = await outcomes_of(self._chain, self._recorder, failed)
        return {attempt.signature: answer for attempt, _, answer in answered if isinstance(answer, ExpiryEvidence)}
