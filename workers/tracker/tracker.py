"""The tracker: follows every attempt until the chain has said, finally, what became of it. One runs at a time.

It sends what nobody has sent, sends an order's newest bytes again, asks for 256 statuses at a time, reads what landed,
proves what can never land, and asks for a visit where another transaction is needed. It follows an attempt from
``TransactionBuilt`` on, whether a visit got to send it or not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from chains.errors import ChainUnavailableError
from chains.protocol import Chain, SignatureStatus
from commands.accounts import Accounts
from commands.closed_elsewhere import ClosedElsewhere
from commands.orders import OrderRepository
from commands.trading import TradingStates
from domain.commands import RecordSent
from domain.evidence import Commitment
from event_store.processors.leases import Lease
from event_store.read.feed import LogFeed
from event_store.read.tail import Tail
from workers.dead_letters import DeadLetterQueue
from workers.dispatch.work import WorkTable
from workers.errors import TRANSIENT_ERRORS
from workers.execution.sending import send
from workers.log_follower import follow_log
from workers.metrics import TRACKED, UNKNOWN, UNKNOWN_AGE
from workers.outages import Outages
from workers.tracker.chain_silence import ChainSilence
from workers.tracker.expiry_prover import ExpiryProver
from workers.tracker.finality import Finality
from workers.tracker.followers import Followers
from workers.tracker.guard_watch import GuardWatch
from workers.tracker.landing_recorder import LandingRecorder
from workers.tracker.outcome_recorder import OutcomeRecorder
from workers.tracker.tracked_attempt import TrackedAttempt
from workers.tracker.tracked_attempts import TrackedAttempts
from workers.tracker.visits import VisitRequests, is_seen

log = structlog.get_logger(__name__)

TRACKER = "tracker"
SIGNATURES_A_CALL = 256


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the tracker asks and sends, in seconds."""

    poll: float = 0.1
    poll_ended: float = 1.0
    rebroadcast: float = 1.0
    # As long as the sweeper waits: before, a visit is on its way to it.
    first_send: float = 2.0
    heights: float = 1.0
    proof: float = 2.0
    rows: float = 5.0
    visits: float = 0.5
    guards: float = 5.0
    # After so long without an answer, or a new height, orders say that nothing can be known.
    uncertain_after: float = 10.0


class Tracker:
    """Runs under ``lease`` (processor ``tracker``) until it is cancelled or the lease is lost. Without ``sends`` it
    follows, and sends nothing.
    """

    def __init__(
        self,
        *,
        orders: OrderRepository,
        accounts: Accounts,
        closed: ClosedElsewhere,
        feed: LogFeed,
        work: WorkTable,
        chain: Chain,
        commitment: Commitment,
        clock: Callable[[], datetime],
        trading: TradingStates,
        visits: VisitRequests,
        pace: Pace | None = None,
        sends: bool = True,
    ) -> None:
        self._feed = feed
        self._work = work
        self._chain = chain
        self._commitment = commitment
        self._clock = clock
        self._trading = trading
        self._visits = visits
        self._pace = pace or Pace()
        self._sends = sends
        dead_letters = DeadLetterQueue(work.pool, TRACKER)
        self._tracked = TrackedAttempts(orders, work, dead_letters)
        self._recorder = OutcomeRecorder(orders, accounts, closed, trading, work, self._tracked, dead_letters)
        waits = self._pace.uncertain_after
        self._landings = LandingRecorder(chain, self._recorder, clock, commitment=commitment, patience=waits)
        said = {"patience": waits, "repeat": self._pace.proof}
        self._followers = Followers(chain, orders, self._recorder, clock, **said)
        self._finality = Finality(chain, self._recorder, self._followers, clock, **said)
        self._prover = ExpiryProver(chain, work, self._recorder, self._landings, self._finality, self._followers, clock)
        self._guards = GuardWatch(chain)
        self._silence = ChainSilence(work, patience=self._pace.uncertain_after, repeat=self._pace.proof)
        self._outages = Outages()
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self, lease: Lease) -> None:
        after = await self._tracked.restore()
        pace = self._pace
        tail = Tail(self._feed.read, after, wakes=self._feed, limit=1_000)
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(follow_log(tail, self._tracked.apply, processor=TRACKER))
            tasks.create_task(self._repeat("statuses", pace.poll, lambda: self._poll_statuses(lease, ended=False)))
            tasks.create_task(
                self._repeat(
                    "statuses of ended orders", pace.poll_ended, lambda: self._poll_statuses(lease, ended=True)
                )
            )
            tasks.create_task(self._repeat("heights", pace.heights, self._poll_height))
            tasks.create_task(self._repeat("rows", pace.rows, self._tracked.reconcile))
            tasks.create_task(self._repeat("visits", pace.visits, self._request_visits))
            tasks.create_task(self._repeat("guards", pace.guards, lambda: self._watch_guards(lease)))

    async def _repeat(self, part: str, seconds: float, act: Callable[[], Awaitable[None]]) -> None:
        """Do ``act`` every so many ``seconds``, and after a transient error a little later. That it fails is said of
        all parts together.
        """
        while True:
            begun = time.monotonic()
            try:
                await act()
            except TRANSIENT_ERRORS as error:
                if self._outages.begins(part):
                    said = {"error": type(error).__name__, "reason": str(error)[:200]}
                    log.warning("tracker goes on when it is back", part=part, **said)
                await asyncio.sleep(seconds)
            else:
                if self._outages.ends(part):
                    log.info("tracker goes on")
            await asyncio.sleep(max(0.0, begun + seconds - time.monotonic()))

    async def _request_visits(self) -> None:
        self._visits.request(self._tracked.by_order())

    async def _watch_guards(self, lease: Lease) -> None:
        watched = await self._compared(self._tracked.watched())
        losers = await self._compared(self._tracked.losers())
        self._start_proofs(lease, [attempt for attempt in watched if not attempt.schedule.finished])
        await self._guards.let_go(watched, losers, self._silence.finalized_height)

    async def _poll_height(self) -> None:
        """Ask for the finalized block height, by which expiry is judged, and count what is tracked and unknown."""
        TRACKED.set(len(self._tracked))
        unknown, age = await self._work.unknown()
        UNKNOWN.set(unknown)
        UNKNOWN_AGE.set(age)
        if self._tracked:
            self._silence.height_is(await self._chain.block_height("finalized"))
        else:
            # The last one may have ended before the chain's height was seen to change.
            await self._silence.take_back()

    async def _poll_statuses(self, lease: Lease, *, ended: bool) -> None:
        """Ask what became of the attempts of the orders that have ended, or of all the others, and deal with each
        answer.
        """
        attempts = await self._compared(self._tracked.select(ended=ended))
        chunks = [attempts[n : n + SIGNATURES_A_CALL] for n in range(0, len(attempts), SIGNATURES_A_CALL)]
        await asyncio.gather(*(self._poll_chunk(lease, chunk) for chunk in chunks))
        await self._tracked.forget_finished()

    async def _compared(self, attempts: Sequence[TrackedAttempt]) -> list[TrackedAttempt]:
        """Those of the accounts whose wallet was compared with the log since the start. Of another one a reclaim that
        the log has lost may have closed the guards: that they aren't there would prove what isn't so.
        """
        accounts = {attempt.account_id for attempt in attempts}
        compared = {one for one in accounts if await self._trading.compared.of(one)}
        return [attempt for attempt in attempts if attempt.account_id in compared]

    async def _poll_chunk(self, lease: Lease, chunk: Sequence[TrackedAttempt]) -> None:
        # A real node's recent statuses are gone after a few minutes: an older one is looked for in its history.
        old = any(self._is_past_validity(attempt) for attempt in chunk)
        try:
            answer = await self._chain.statuses([attempt.signature for attempt in chunk], search_history=old)
        except ChainUnavailableError:
            await self._silence.no_answer(chunk)
            raise
        await self._silence.answered(chunk)
        now = time.monotonic()
        landed: list[tuple[TrackedAttempt, Commitment]] = []
        final: list[TrackedAttempt] = []
        failed: list[TrackedAttempt] = []
        waited_for: list[TrackedAttempt] = []
        missing: list[TrackedAttempt] = []
        for attempt, status in zip(chunk, answer.found, strict=True):
            attempt.schedule.shown(status is not None)
        for attempt, status in zip(chunk, answer.found, strict=True):
            # A status that is shown and never comes to a landing is a lie, or a fork's: the others' word is asked for.
            in_vain = not attempt.confirmed and self._is_past_validity(attempt)
            if (attempt.unproven or status is None or in_vain) and self._needs_care(attempt, now):
                missing.append(attempt)
            if attempt.unproven or status is None:
                continue
            if attempt.is_waited_for and not status.failed and attempt.schedule.may_read(now):
                waited_for.append(attempt)
            if attempt.confirmed or (attempt.order_confirmed and not status.failed):
                if status.commitment == "finalized" and attempt.schedule.is_proof_due(now):
                    (failed if status.failed else final).append(attempt)
            elif self._settles(attempt, status) and attempt.schedule.may_read(now):
                landed.append((attempt, "finalized" if status.commitment == "finalized" else "confirmed"))
        due = [attempt for attempt in missing if self._is_send_due(attempt, now)]
        sends = (self._recorder.isolate(attempt, self._send, lease, attempt) for attempt in due)
        await asyncio.gather(self._landings.read(lease, landed), self._finality.settle(lease, final), *sends)
        await self._followers.look(lease, waited_for)
        # A confirmed one that failed after all: whether another landed in its place is for the guard to say.
        self._start_proofs(lease, [*failed, *(attempt for attempt in missing if self._is_proof_due(attempt, now))])

    def _settles(self, attempt: TrackedAttempt, status: SignatureStatus) -> bool:
        """Whether the status is recorded: a swap at the configured commitment, an error or a cancel once no fork can
        undo it.
        """
        if status.failed or attempt.purpose == "cancel" or self._commitment == "finalized":
            return status.commitment == "finalized"
        return status.commitment in ("confirmed", "finalized")

    def _is_past_validity(self, attempt: TrackedAttempt) -> bool:
        """Whether the chain has finalized a block in which the attempt could no longer land."""
        return self._silence.finalized_height > attempt.lands_until

    def _needs_care(self, attempt: TrackedAttempt, now: float) -> bool:
        """Whether an attempt that no status shows is to be sent now, or its outcome to be found out."""
        return self._is_send_due(attempt, now) or self._is_proof_due(attempt, now)

    def _is_send_due(self, attempt: TrackedAttempt, now: float) -> bool:
        if not self._sends:
            return False
        pause = self._pace.rebroadcast if attempt.submitted else self._pace.first_send
        if not attempt.resent or attempt.unproven or not attempt.schedule.is_send_due(now, pause):
            return False
        over = not attempt.confirmed and attempt.ends_at is not None and self._clock() >= attempt.ends_at
        return not (over or is_seen(self._tracked.of_order(attempt.order_id)))

    def _is_proof_due(self, attempt: TrackedAttempt, now: float) -> bool:
        to_prove = attempt.unproven or attempt.other_leg_filled or self._is_past_validity(attempt)
        return to_prove and attempt.schedule.is_proof_due(now)

    def _start_proofs(self, lease: Lease, attempts: Sequence[TrackedAttempt]) -> None:
        """Begin to find out what became of attempts that can't land any more, or whose end is in question."""
        now = time.monotonic()
        for attempt in attempts:
            attempt.schedule.proving(now, self._pace.proof)
        if self._tasks and attempts:
            self._prover.start(self._tasks, lease, attempts, self._silence.finalized_height)

    async def _send(self, lease: Lease, attempt: TrackedAttempt) -> None:
        attempt.schedule.sent(time.monotonic())
        if attempt.purpose == "swap" and not attempt.confirmed:
            trading = await self._trading.of(attempt.account_id)
            if trading.forbids_swap(attempt.order.side, attempt.attempt.venue):
                return
        answer = await send(self._chain, attempt.transaction)
        if not attempt.submitted and attempt.schedule.may_record(time.monotonic()):
            loaded = await self._recorder.load([attempt])
            if attempt.order_id in loaded:
                sent = RecordSent(attempt.number, attempt.signature, answer)
                await self._recorder.record(lease, attempt, loaded[attempt.order_id], sent)
