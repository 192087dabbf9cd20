"""Proving that an attempt can never land, and recording it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from chains.protocol import Chain, Inconclusive
from domain.commands import RecordExpiry
from event_store.processors.leases import Lease
from workers.dispatch.work import WorkTable
from workers.metrics import EVIDENCE_MISSING
from workers.tracker.outcome_recorder import OutcomeRecorder
from workers.tracker.tracked_attempt import TrackedAttempt

log = structlog.get_logger(__name__)

PROOFS_AT_ONCE = 4


class ExpiryProver:
    """One proof an attempt at a time, in tasks of their own.

    A proof reads 150 blocks: on a slow endpoint no landing of another order may wait for it.
    """

    def __init__(self, chain: Chain, work: WorkTable, recorder: OutcomeRecorder, clock: Callable[[], datetime]) -> None:
        self._chain = chain
        self._work = work
        self._recorder = recorder
        self._clock = clock
        self._slots = asyncio.Semaphore(PROOFS_AT_ONCE)
        # Signatures whose proof is under way.
        self._proving: set[str] = set()

    def start(self, tasks: asyncio.TaskGroup, lease: Lease, attempt: TrackedAttempt) -> None:
        """Begin a proof among ``tasks``, unless there is one of this attempt already."""
        if attempt.signature not in self._proving:
            self._proving.add(attempt.signature)
            tasks.create_task(self._run(lease, attempt))

    async def _run(self, lease: Lease, attempt: TrackedAttempt) -> None:
        try:
            await self._recorder.isolate(attempt, self._prove, lease, attempt)
        finally:
            self._proving.discard(attempt.signature)

    async def _prove(self, lease: Lease, attempt: TrackedAttempt) -> None:
        async with self._slots:
            evidence = await self._chain.expiry_evidence(attempt.expiry)
        if isinstance(evidence, Inconclusive):
            if attempt.confirmed and evidence.permanent and await self._recorder.is_finality_settled(attempt):
                attempt.schedule.finish()
            else:
                await self._record_inconclusive(attempt, evidence)
            return
        if attempt.confirmed and not await self._recorder.record_contradiction(
            lease, attempt, "confirmed_lost", "It was confirmed, and can never land any more."
        ):
            return
        if attempt.order_ended:
            attempt.schedule.finish()
            return
        loaded = await self._recorder.load([attempt])
        if attempt.order_id in loaded:
            command = RecordExpiry(attempt.number, evidence, self._clock())
            await self._recorder.record(lease, attempt, loaded[attempt.order_id], command)

    async def _record_inconclusive(self, attempt: TrackedAttempt, answer: Inconclusive) -> None:
        EVIDENCE_MISSING.inc()
        attempt.schedule.expiry_unproven()
        log.warning("expiry not proven", order_id=str(attempt.order_id), attempt=attempt.number, missing=answer.reason)
        await self._work.record_uncertainty(attempt.order_id, attempt.number, answer.reason, permanent=answer.permanent)
