"""Finding out what became of attempts that no status shows: which one succeeded, or that none ever can."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from chains.errors import UnbelievableError
from chains.protocol import Chain, Inconclusive, OutcomeQuestion, SentTransaction
from commands.loaded_order import LoadedOrder
from domain.commands import RecordClosedElsewhere, RecordExpiry, RecordLanding, RecordOtherLeg
from domain.decide_elsewhere import closed_gap
from domain.evidence import ExpiryEvidence, GuardTaken, Landing
from domain.time_in_force import past_deadline
from event_store.processors.leases import Lease
from workers.dispatch.work import WorkTable
from workers.errors import TRANSIENT_ERRORS
from workers.metrics import DISAGREEMENTS, EVIDENCE_MISSING
from workers.outcome_question import outcome_question, sent_transaction
from workers.tracker.finality import Finality
from workers.tracker.followers import Followers
from workers.tracker.landing_recorder import LandingRecorder
from workers.tracker.outcome_recorder import OutcomeRecorder
from workers.tracker.outcomes_asked import Outcome, outcomes_of
from workers.tracker.tracked_attempt import TrackedAttempt

log = structlog.get_logger(__name__)

PROOFS_AT_ONCE = 4
NO_GUARD = "its transaction made no guard, and no node shows it"
HIDDEN = "its guard is there, and an order that shares it can't be read: either may have been executed"
EXECUTED = "The order's guard is there, so it was executed; no node shows by which transaction."


class ExpiryProver:
    """Attempts that are due together are proven together, in a task of its own.

    On a slow endpoint no landing of another order may wait for it.
    """

    def __init__(
        self,
        chain: Chain,
        work: WorkTable,
        recorder: OutcomeRecorder,
        landings: LandingRecorder,
        finality: Finality,
        followers: Followers,
        clock: Callable[[], datetime],
    ) -> None:
        self._chain = chain
        self._work = work
        self._recorder = recorder
        self._landings = landings
        self._finality = finality
        self._followers = followers
        self._clock = clock
        self._slots = asyncio.Semaphore(PROOFS_AT_ONCE)
        # Signatures whose proof is under way.
        self._proving: set[str] = set()

    def start(
        self, tasks: asyncio.TaskGroup, lease: Lease, attempts: Sequence[TrackedAttempt], finalized_height: int
    ) -> None:
        """Begin the proofs among ``tasks``, but for those under way already."""
        fresh = [attempt for attempt in attempts if attempt.signature not in self._proving]
        if fresh:
            self._proving.update(attempt.signature for attempt in fresh)
            tasks.create_task(self._run(lease, fresh, finalized_height))

    async def _run(self, lease: Lease, attempts: Sequence[TrackedAttempt], finalized_height: int) -> None:
        try:
            async with self._slots:
                # Not before its turn: orders that share a guard may be signed for while this one waits.
                guarded = [(attempt, question) for attempt in attempts if (question := await self._question(attempt))]
                answered = await outcomes_of(self._chain, self._recorder, guarded)
            for attempt, question, answer in answered:
                note_guard(attempt, answer)
                await self._recorder.isolate(attempt, self._record, lease, attempt, question, answer, finalized_height)
            for attempt in attempts:
                if attempt.question is None:
                    attempt.schedule.looked_at = True
                    answer = Inconclusive(NO_GUARD, permanent=True)
                    await self._recorder.isolate(attempt, self._inconclusive, lease, attempt, answer, finalized_height)
        except TRANSIENT_ERRORS as error:
            log.warning("outcomes not known yet", attempts=len(attempts), error=type(error).__name__)
        finally:
            self._proving.difference_update(attempt.signature for attempt in attempts)

    async def _question(self, attempt: TrackedAttempt) -> OutcomeQuestion | None:
        sharing = await self._recorder.sharing(attempt)
        return outcome_question(attempt.order, attempt.attempt, sharing, watched=attempt.watched)

    async def _is_hidden(self, attempt: TrackedAttempt) -> bool:
        """Whether an order that shares the guard can't be read: what was signed for it may have made that."""
        leg = attempt.order.leg
        return leg is not None and len(await self._recorder.sharing(attempt)) < len(leg.sharing)

    async def _record(
        self,
        lease: Lease,
        attempt: TrackedAttempt,
        question: OutcomeQuestion,
        answer: Outcome,
        finalized_height: int,
    ) -> None:
        match answer:
            case Inconclusive(guard_seen=True) if await self._question(attempt) != question:
                return  # Of what was signed while it was asked nobody has been asked; it may have made the guard.
            case Inconclusive(permanent=True) if await self._is_hidden(attempt):
                hidden = replace(answer, reason=HIDDEN, permanent=False)
                await self._inconclusive(lease, attempt, hidden, finalized_height)
            case Inconclusive():
                await self._inconclusive(lease, attempt, answer, finalized_height)
            case Landing():
                await self._landed(lease, attempt, answer, finalized_height)
            case ExpiryEvidence():
                await self._absent(lease, attempt, answer, finalized_height)

    async def _landed(self, lease: Lease, attempt: TrackedAttempt, landing: Landing, finalized_height: int) -> None:
        """One of the order's transactions succeeded: this attempt's, or another's; or one of an order that shares its
        guard.
        """
        history = (await self._recorder.load([attempt])).get(attempt.order_id)
        if history is None or history.order is None:
            return
        number = next((one.number for one in history.order.attempts if one.signature == landing.signature), None)
        taker = history.order.guard_taker
        if number is None and landing.signature != history.order.guard_taken_by:
            await self._other_leg(lease, attempt, history, landing, finalized_height)
        elif number is not None and (taker is None or (history.order.status != "confirmed" and taker.number != number)):
            await self._landings.record(lease, attempt, history, number, landing)
        elif number is not None and taker is not None and (taker.number != number or attempt.number == number):
            await self._finality.settle(lease, [attempt])
        else:
            # One endpoint's height alone doesn't say that its time is over; asked first, what landed until then shows.
            is_over = await self._chain.passed_height() > attempt.lands_until
            if lost := await self._failure(attempt.sent):
                now = self._clock()
                await self._recorder.record(lease, attempt, history, RecordLanding(attempt.number, lost, now))
                return
            if not is_over:
                return  # It may still fail, and cost a fee.
            taken = _taken(landing)
            if attempt.unproven and not taken.is_complete:
                return  # As much is recorded; a fee that it cost may show yet.
            await self._recorder.record(lease, attempt, history, RecordExpiry(attempt.number, taken, self._clock()))

    async def _other_leg(
        self,
        lease: Lease,
        attempt: TrackedAttempt,
        history: LoadedOrder,
        landing: Landing,
        finalized_height: int,
    ) -> None:
        """Another order of its list took the guard: none of this order's transactions ever succeeds."""
        if history.order is None or (history.order.ended and history.order.fill is None):
            # It ended while nothing of it could land, and that agrees.
            attempt.schedule.finish()
        elif not landing.is_enough:
            alone = f"{', '.join(landing.shown_by)} alone shows that another order of its list took their guard"
            await self._inconclusive(lease, attempt, Inconclusive(alone), finalized_height)
        else:
            await self._recorder.record(lease, attempt, history, RecordOtherLeg(_taken(landing)))

    async def _absent(
        self, lease: Lease, attempt: TrackedAttempt, evidence: ExpiryEvidence, finalized_height: int
    ) -> None:
        if attempt.watched:
            return None
        alone = Inconclusive(f"{evidence.endpoints[0].endpoint} alone shows that it never landed")
        if await self._recorder.is_closed_elsewhere(attempt):
            if not evidence.is_complete:
                return await self._inconclusive(lease, attempt, alone, finalized_height)
            return await self._closed_elsewhere(lease, attempt, evidence)
        if attempt.confirmed:
            if not evidence.is_complete:
                return await self._inconclusive(lease, attempt, alone, finalized_height)
            lost = "It was confirmed, and can never land any more."
            if not await self._recorder.record_contradiction(lease, attempt, "confirmed_lost", lost):
                return None
        if attempt.order_ended:
            return attempt.schedule.finish()
        history = (await self._recorder.load([attempt])).get(attempt.order_id)
        if history is None or history.order is None:
            return None
        now = self._clock()
        # Each failure first: the proof may end the order, and what they cost would never be recorded.
        for one in history.order.attempts:
            if one.end != "rejected" and evidence.shows_failed(one.signature):
                failure = await self._failure(sent_transaction(history.order, one))
                if failure is not None:
                    await self._recorder.record(lease, attempt, history, RecordLanding(one.number, failure, now))
                    return None
        if not evidence.is_complete and (attempt.unproven or past_deadline(history.order, now)):
            return await self._inconclusive(lease, attempt, alone, finalized_height)
        await self._recorder.record(lease, attempt, history, RecordExpiry(attempt.number, evidence, now))
        return None

    async def _closed_elsewhere(self, lease: Lease, attempt: TrackedAttempt, evidence: ExpiryEvidence) -> None:
        """A transaction under its guard succeeded, and no endpoint shows which: of this order, as far as is known."""
        if attempt.confirmed or attempt.order_ended:
            return attempt.schedule.finish()
        history = (await self._recorder.load([attempt])).get(attempt.order_id)
        # Until each of its transactions is past its height it is asked again.
        if history is not None and history.order is not None and closed_gap(history.order, evidence) is None:
            await self._recorder.record(lease, attempt, history, RecordClosedElsewhere(evidence))
        return None

    async def _failure(self, sent: SentTransaction) -> Landing | None:
        """How it failed for good, at the cost of a fee: the endpoint that is asked for statuses may not show it.

        None also where the one that shows it tells what can't be so: that holds up no proof that others bear out.
        """
        try:
            landing = await self._chain.landing(sent, "finalized")
        except UnbelievableError as error:
            log.warning("a failure that can't be believed", signature=sent.signature, reason=str(error))
            return None
        return landing if landing and landing.error else None

    async def _inconclusive(
        self, lease: Lease, attempt: TrackedAttempt, answer: Inconclusive, finalized_height: int
    ) -> None:
        """Say with the order what keeps its outcome from being known; before its time is over nothing needs to."""
        if finalized_height <= attempt.lands_until and not answer.guard_seen:
            return
        if attempt.watched and attempt.order_ended and answer.permanent:
            if await self._recorder.record_contradiction(lease, attempt, "landed_after_end", EXECUTED):
                attempt.schedule.finish()
            return
        if attempt.confirmed and answer.permanent and (told := await self._recorder.finality_told(attempt)):
            if told == "stands":
                await self._followers.begin(lease, attempt)
            attempt.schedule.finish()
            return
        # Of what a person has ended, or what is over, only the guard says that it was otherwise.
        if attempt.by_operator or (not answer.guard_seen if attempt.watched else attempt.schedule.over):
            return
        EVIDENCE_MISSING.inc()
        for endpoint in answer.disagreeing:
            DISAGREEMENTS.labels(endpoint).inc()
        attempt.schedule.expiry_unproven()
        log.warning("outcome not known", order_id=str(attempt.order_id), attempt=attempt.number, missing=answer.reason)
        await self._work.record_uncertainty(attempt.order_id, attempt.number, answer.reason, permanent=answer.permanent)


def note_guard(attempt: TrackedAttempt, answer: Outcome) -> None:
    """Note whether the attempt's guard is as the log has it, where the answer tells. Of one that is watched it is to
    stay absent: that one endpoint shows it is enough to look on.
    """
    if not isinstance(answer, Inconclusive) or answer.guard_seen:
        attempt.schedule.looked_at = not attempt.watched or isinstance(answer, ExpiryEvidence)


def _taken(landing: Landing) -> GuardTaken:
    return GuardTaken(
        taken_by=landing.signature, slot=landing.slot, shown_by=landing.shown_by, configured=landing.configured
    )
