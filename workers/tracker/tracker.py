"""The tracker: stays with every attempt until the chain has said, finally, what became of it. One at a time.

It sends what nobody has sent, sends again the same bytes, asks for statuses 256 at a time, reads what landed, proves
what can never land. It follows an attempt from ``TransactionBuilt`` on, whether the submit actor got to it or not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from chains.errors import ChainUnavailableError
from chains.protocol import Chain, Inconclusive, SignatureStatus
from commands.accounts import Accounts
from commands.orders import OrderRepository
from domain.commands import RecordExpiry, RecordLanding, RecordSent
from domain.evidence import Commitment, Landing
from event_store.notifier import Notifier
from event_store.processors.leases import Lease
from event_store.read.log import Log
from event_store.read.tail import Tail
from workers.dead_letters import DeadLetterQueue
from workers.dispatch.work import WorkTable
from workers.metrics import EVIDENCE_MISSING, TRACKED, UNKNOWN, UNKNOWN_AGE
from workers.stages.submit import send
from workers.tracker.outcome_recorder import OutcomeRecorder
from workers.tracker.tracked_attempt import TrackedAttempt
from workers.tracker.tracked_attempts import TrackedAttempts
from workers.transient_errors import TRANSIENT_ERRORS

log = structlog.get_logger(__name__)

TRACKER = "tracker"
SIGNATURES_A_CALL = 256
NO_ANSWER = "no node answers"
STANDS_STILL = "the finalized block height stands still"


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the tracker asks and sends, in seconds."""

    take_in: float = 0.05
    poll: float = 0.1
    poll_confirmed: float = 1.0
    rebroadcast: float = 1.0
    # As long as the sweeper waits for the submit stage: before, the stage is on its way to it.
    first_send: float = 2.0
    heights: float = 1.0
    proof: float = 2.0
    rows: float = 5.0
    # After so long without an answer, or a new height, it is said that nothing can be known.
    uncertain_after: float = 10.0


class Tracker:
    """Runs under ``lease`` (processor ``tracker``) until it is cancelled or the lease is lost."""

    def __init__(
        self,
        *,
        orders: OrderRepository,
        accounts: Accounts,
        events: Log,
        notifier: Notifier | None,
        work: WorkTable,
        chain: Chain,
        commitment: Commitment,
        clock: Callable[[], datetime],
        pace: Pace | None = None,
    ) -> None:
        self._events = events
        self._notifier = notifier
        self._work = work
        self._chain = chain
        self._commitment = commitment
        self._clock = clock
        self._pace = pace or Pace()
        dead_letters = DeadLetterQueue(work.pool, TRACKER)
        self._tracked = TrackedAttempts(orders, work, dead_letters)
        self._recorder = OutcomeRecorder(orders, accounts, work, self._tracked, dead_letters)
        self._finalized_height = 0
        self._height_moved = self._answered = time.monotonic()
        # Perhaps by one that ran before.
        self._said_unknown = True
        self._proofs = asyncio.Semaphore(4)
        self._proving: set[str] = set()
        self._tasks: asyncio.TaskGroup | None = None

    async def run(self, lease: Lease) -> None:
        after = await self._tracked.restore()
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self._take_in(after))
            tasks.create_task(self._every(self._pace.poll, lambda: self._poll_statuses(lease, confirmed=False)))
            tasks.create_task(
                self._every(self._pace.poll_confirmed, lambda: self._poll_statuses(lease, confirmed=True))
            )
            tasks.create_task(self._every(self._pace.heights, self._poll_height))
            tasks.create_task(self._every(self._pace.rows, self._tracked.reconcile))

    async def _take_in(self, after: int) -> None:
        async for batch in Tail(
            self._events.marks, after, notifier=self._notifier, limit=1_000, pause=self._pace.take_in
        ):
            while True:
                try:
                    await self._tracked.take_in(batch)
                    break
                except TRANSIENT_ERRORS as error:
                    log.warning("tracker waits to read orders", error=type(error).__name__)
                    await asyncio.sleep(0.5)

    async def _every(self, seconds: float, act: Callable[[], object]) -> None:
        while True:
            begun = time.monotonic()
            try:
                await act()  # type: ignore[misc]
            except TRANSIENT_ERRORS as error:
                log.warning("tracker goes on when it is back", error=type(error).__name__, reason=str(error)[:200])
                await asyncio.sleep(seconds)
            await asyncio.sleep(max(0.0, begun + seconds - time.monotonic()))

    async def _poll_height(self) -> None:
        TRACKED.set(len(self._tracked))
        unknown, age = await self._work.unknown()
        UNKNOWN.set(unknown)
        UNKNOWN_AGE.set(age)
        if self._tracked.any():
            height = await self._chain.block_height("finalized")
            if height != self._finalized_height:
                self._finalized_height, self._height_moved = height, time.monotonic()

    async def _poll_statuses(self, lease: Lease, *, confirmed: bool) -> None:
        watched = self._tracked.those(confirmed=confirmed)
        chunks = [watched[n : n + SIGNATURES_A_CALL] for n in range(0, len(watched), SIGNATURES_A_CALL)]
        await asyncio.gather(*(self._poll_chunk(lease, chunk) for chunk in chunks))
        await self._tracked.forget_finalized()

    async def _poll_chunk(self, lease: Lease, chunk: Sequence[TrackedAttempt]) -> None:
        # The recent cache of a real node forgets after a few minutes: what is older is looked for in its history.
        old = any(one.question.last_valid_block_height < self._finalized_height for one in chunk)
        try:
            answer = await self._chain.statuses([one.signature for one in chunk], search_history=old)
        except ChainUnavailableError:
            if time.monotonic() - self._answered > self._pace.uncertain_after:
                await self._unknown(chunk, NO_ANSWER)
            raise
        self._answered = time.monotonic()
        await self._asked(chunk)
        landed: list[tuple[TrackedAttempt, Commitment]] = []
        missing: list[TrackedAttempt] = []
        for one, status in zip(chunk, answer.found, strict=True):
            if status is None:
                missing.append(one)
            elif status.commitment == "finalized" and one.confirmed:
                lost = "It was confirmed, and finalized with an error."
                one.finalized = not status.failed or await self._lost(lease, one, lost)
            elif not one.confirmed and self._settles(status) and one.is_told:
                landed.append((one, "finalized" if status.commitment == "finalized" else "confirmed"))
        looked_for = (self._recorder.safely(one, self._not_on_chain(lease, one)) for one in missing)
        await asyncio.gather(self._landed(lease, landed), *looked_for)

    async def _asked(self, chunk: Sequence[TrackedAttempt]) -> None:
        """The chain answers; one whose finalized height stands still proves nothing, however long one waits."""
        if time.monotonic() - self._height_moved > self._pace.uncertain_after:
            await self._unknown(chunk, STANDS_STILL)
        elif self._said_unknown:
            await self._work.clear_uncertainty_by_reason([NO_ANSWER, STANDS_STILL])
            self._said_unknown = False

    async def _unknown(self, chunk: Sequence[TrackedAttempt], reason: str) -> None:
        """Say with each order that was sent a while ago why nothing can be known of it now."""
        self._said_unknown = True
        now = time.monotonic()
        for one in chunk:
            waits = one.submitted and not (one.confirmed or one.order_ended or one.uncertain)
            if waits and now - one.since > self._pace.uncertain_after and now >= one.next_said:
                one.next_said = now + self._pace.proof
                await self._work.record_uncertainty(one.order_id, one.attempt, reason, permanent=False)

    def _settles(self, status: SignatureStatus) -> bool:
        """A success counts at the commitment we were told, an error only once no fork can undo it."""
        if status.failed or self._commitment == "finalized":
            return status.commitment == "finalized"
        return status.commitment in ("confirmed", "finalized")

    async def _landed(self, lease: Lease, found: Iterable[tuple[TrackedAttempt, Commitment]]) -> None:
        landings: list[tuple[TrackedAttempt, Landing]] = []

        async def read(one: TrackedAttempt, commitment: Commitment) -> None:
            if landing := await self._chain.landing(one.sent, commitment):
                landings.append((one, landing))

        await asyncio.gather(*(self._recorder.safely(one, read(one, commitment)) for one, commitment in found))
        loaded = await self._recorder.histories([one for one, _ in landings])
        now = self._clock()
        await asyncio.gather(
            *(
                self._recorder.tell(lease, one, loaded[one.order_id], RecordLanding(one.attempt, landing, now))
                for one, landing in landings
                if one.order_id in loaded
            )
        )

    async def _not_on_chain(self, lease: Lease, one: TrackedAttempt) -> None:
        if not one.confirmed and not one.order_ended:
            await self._send(lease, one)
        now = time.monotonic()
        past = self._finalized_height > one.question.last_valid_block_height
        if past and now >= one.next_proof and one.is_told:
            one.next_proof = now + self._pace.proof
            self._prove_apart(lease, one)

    def _prove_apart(self, lease: Lease, one: TrackedAttempt) -> None:
        """A proof reads 150 blocks: on a slow endpoint no landing of another order may wait for it."""
        if one.signature in self._proving or self._tasks is None:
            return
        self._proving.add(one.signature)
        self._tasks.create_task(self._proof(lease, one))

    async def _proof(self, lease: Lease, one: TrackedAttempt) -> None:
        try:
            await self._recorder.safely(one, self._prove(lease, one))
        finally:
            self._proving.discard(one.signature)

    async def _send(self, lease: Lease, one: TrackedAttempt) -> None:
        wait = self._pace.rebroadcast if one.submitted else self._pace.first_send
        if time.monotonic() - one.last_send < wait:
            return
        one.last_send = time.monotonic()
        answer = await send(self._chain, one.transaction)
        if not one.submitted and one.is_told:
            loaded = await self._recorder.histories([one])
            if one.order_id in loaded:
                sent = RecordSent(one.attempt, one.signature, answer)
                await self._recorder.tell(lease, one, loaded[one.order_id], sent)

    async def _prove(self, lease: Lease, one: TrackedAttempt) -> None:
        async with self._proofs:
            evidence = await self._chain.expiry_evidence(one.question)
        if isinstance(evidence, Inconclusive):
            EVIDENCE_MISSING.inc()
            one.uncertain = True
            log.warning("expiry not proven", order_id=str(one.order_id), attempt=one.attempt, missing=evidence.reason)
            await self._work.record_uncertainty(
                one.order_id, one.attempt, evidence.reason, permanent=evidence.permanent
            )
            return
        if one.confirmed and not await self._lost(lease, one, "It was confirmed, and can never land any more."):
            return
        one.finalized = one.order_ended
        loaded = {} if one.order_ended else await self._recorder.histories([one])
        if one.order_id in loaded:
            command = RecordExpiry(one.attempt, evidence, self._clock())
            await self._recorder.tell(lease, one, loaded[one.order_id], command)

    async def _lost(self, lease: Lease, one: TrackedAttempt, detail: str) -> bool:
        return await self._recorder.contradicted(lease, one, "confirmed_lost", detail)
