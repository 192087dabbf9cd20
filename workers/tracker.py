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
from uuid import UUID

import psycopg
import psycopg_pool
import structlog

from chains.protocol import Chain, ChainUnavailable, SignatureStatus, Unproven
from commands.accounts import Accounts
from commands.orders import History, Orders
from domain.account import Contradiction, ContradictionFound
from domain.commands import OrderCommand, RecordExpiry, RecordLanding, RecordSent
from domain.errors import DomainError, LandedAfterEnd, NotApplicable
from domain.evidence import Commitment, Landing
from event_store.errors import LeaseLostError, LogUnavailable, OutcomeUnknown
from event_store.leases import Lease
from event_store.log import Log
from event_store.tail import Tail
from event_store.wake import Wake
from workers.followed import Followed
from workers.following import Following
from workers.metrics import CONTRADICTIONS, EVIDENCE_MISSING, FOLLOWED, UNKNOWN, UNKNOWN_AGE
from workers.submit import send
from workers.work import WorkTable

log = structlog.get_logger(__name__)

TRACKER = "tracker"
SIGNATURES_A_CALL = 256
AWAY = (ChainUnavailable, LogUnavailable, OutcomeUnknown, psycopg.OperationalError, psycopg_pool.PoolTimeout)


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
    rows: float = 30.0


class Tracker:
    """Runs under ``lease`` (processor ``tracker``) until it is cancelled or the lease is lost."""

    def __init__(
        self,
        *,
        orders: Orders,
        accounts: Accounts,
        events: Log,
        wake: Wake | None,
        work: WorkTable,
        chain: Chain,
        commitment: Commitment,
        clock: Callable[[], datetime],
        pace: Pace | None = None,
    ) -> None:
        self._orders = orders
        self._accounts = accounts
        self._events = events
        self._wake = wake
        self._work = work
        self._chain = chain
        self._commitment = commitment
        self._clock = clock
        self._pace = pace or Pace()
        self._following = Following(orders, work)
        self._finalized_height = 0
        self._proofs = asyncio.Semaphore(4)

    async def run(self, lease: Lease) -> None:
        after = await self._following.restore()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._take_in(after))
            tasks.create_task(self._every(self._pace.poll, lambda: self._look(lease, confirmed=False)))
            tasks.create_task(self._every(self._pace.poll_confirmed, lambda: self._look(lease, confirmed=True)))
            tasks.create_task(self._every(self._pace.heights, self._measure))
            tasks.create_task(self._every(self._pace.rows, self._following.reconcile))

    async def _take_in(self, after: int) -> None:
        async for batch in Tail(self._events, wake=self._wake, after=after, limit=1_000, pause=self._pace.take_in):
            while True:
                try:
                    await self._following.take_in(batch)
                    break
                except AWAY as away:
                    log.warning("tracker waits to read orders", error=type(away).__name__)
                    await asyncio.sleep(0.5)

    async def _every(self, seconds: float, act: Callable[[], object]) -> None:
        while True:
            begun = time.monotonic()
            try:
                await act()  # type: ignore[misc]
            except AWAY as away:
                log.warning("tracker goes on when it is back", error=type(away).__name__, reason=str(away)[:200])
                await asyncio.sleep(seconds)
            await asyncio.sleep(max(0.0, begun + seconds - time.monotonic()))

    async def _measure(self) -> None:
        if self._following.any():
            self._finalized_height = await self._chain.block_height("finalized")
        FOLLOWED.set(len(self._following))
        doubts = [one.doubted_since for one in self._following.those(confirmed=False) if one.doubted_since]
        UNKNOWN.set(len(doubts))
        UNKNOWN_AGE.set(time.monotonic() - min(doubts) if doubts else 0)

    async def _look(self, lease: Lease, *, confirmed: bool) -> None:
        watched = self._following.those(confirmed=confirmed)
        chunks = [watched[n : n + SIGNATURES_A_CALL] for n in range(0, len(watched), SIGNATURES_A_CALL)]
        await asyncio.gather(*(self._look_at(lease, chunk) for chunk in chunks))
        await self._following.forget_finalized()

    async def _look_at(self, lease: Lease, chunk: Sequence[Followed]) -> None:
        # The recent cache of a real node forgets after a few minutes: what is older is looked for in its history.
        old = any(one.question.last_valid_block_height < self._finalized_height for one in chunk)
        answer = await self._chain.statuses([one.signature for one in chunk], search_history=old)
        landed: list[tuple[Followed, Commitment]] = []
        unseen: list[Followed] = []
        for one, status in zip(chunk, answer.found, strict=True):
            if status is None:
                unseen.append(one)
            elif status.commitment == "finalized" and one.confirmed:
                if status.failed:
                    await self._contradicted(
                        lease, one, "confirmed_lost", "It was confirmed, and finalized with an error."
                    )
                one.finalized = True
            elif not one.confirmed and self._settles(status):
                landed.append((one, "finalized" if status.commitment == "finalized" else "confirmed"))
        await asyncio.gather(self._landed(lease, landed), *(self._unseen(lease, one) for one in unseen))

    def _settles(self, status: SignatureStatus) -> bool:
        """A success counts at the commitment we were told, an error only once no fork can undo it."""
        if status.failed or self._commitment == "finalized":
            return status.commitment == "finalized"
        return status.commitment in ("confirmed", "finalized")

    async def _landed(self, lease: Lease, found: Iterable[tuple[Followed, Commitment]]) -> None:
        async def read(one: Followed, commitment: Commitment) -> tuple[Followed, Landing] | None:
            try:
                landing = await self._chain.landing(one.sent, commitment)
            except ChainUnavailable as away:
                log.warning("landed, not readable yet", order_id=str(one.order_id), reason=str(away)[:200])
                return None
            return (one, landing) if landing else None

        answers = await asyncio.gather(*(read(one, commitment) for one, commitment in found))
        landings = [answer for answer in answers if answer]
        loaded = await self._histories([one.order_id for one, _ in landings])
        now = self._clock()
        await asyncio.gather(
            *(
                self._tell(lease, one, loaded[one.order_id], RecordLanding(one.attempt, landing, now))
                for one, landing in landings
                if one.order_id in loaded
            )
        )

    async def _unseen(self, lease: Lease, one: Followed) -> None:
        if not one.confirmed and not one.order_ended:
            await self._send(lease, one)
        now = time.monotonic()
        if self._finalized_height > one.question.last_valid_block_height and now >= one.next_proof:
            one.next_proof = now + self._pace.proof
            await self._prove(lease, one)

    async def _send(self, lease: Lease, one: Followed) -> None:
        wait = self._pace.rebroadcast if one.submitted else self._pace.first_send
        if time.monotonic() - one.last_send < wait:
            return
        one.last_send = time.monotonic()
        answer = await send(self._chain, one.transaction)
        if not one.submitted:
            loaded = await self._histories([one.order_id])
            if one.order_id in loaded:
                await self._tell(lease, one, loaded[one.order_id], RecordSent(one.attempt, one.signature, answer))

    async def _prove(self, lease: Lease, one: Followed) -> None:
        async with self._proofs:
            evidence = await self._chain.expiry_evidence(one.question)
        if isinstance(evidence, Unproven):
            EVIDENCE_MISSING.inc()
            one.doubted_since = one.doubted_since or time.monotonic()
            log.warning("expiry not proven", order_id=str(one.order_id), attempt=one.attempt, missing=evidence.reason)
            await self._work.doubt(one.order_id, one.attempt, evidence.reason, forever=evidence.forever)
            return
        if one.confirmed:
            await self._contradicted(lease, one, "confirmed_lost", "It was confirmed, and can never land any more.")
        one.finalized = one.order_ended
        loaded = {} if one.order_ended else await self._histories([one.order_id])
        if one.order_id in loaded:
            command = RecordExpiry(one.attempt, evidence, self._clock())
            await self._tell(lease, one, loaded[one.order_id], command)

    async def _contradicted(self, lease: Lease, one: Followed, kind: Contradiction, detail: str) -> None:
        """Note it and halt the account, once; nothing more is signed until an operator has looked."""
        found = ContradictionFound(
            kind=kind, order_id=one.order_id, attempt=one.attempt, signature=one.signature, detail=detail
        )
        if await self._accounts.contradict(one.account_id, found, guards=(lease.guard,)):
            CONTRADICTIONS.inc()
            log.critical("the chain contradicts the log; trading halted", order_id=str(one.order_id), kind=kind)

    async def _histories(self, order_ids: Sequence[UUID]) -> dict[UUID, History]:
        if not order_ids:
            return {}
        loaded = await self._orders.load(order_ids)
        for order_id, error in loaded.unreadable.items():
            log.error("order can't be read; left alone", order_id=str(order_id), error=type(error).__name__)
        return loaded.histories

    async def _tell(self, lease: Lease, one: Followed, history: History, command: OrderCommand) -> None:
        """Record what was learned of one attempt; what goes wrong with one order stays with it."""
        try:
            self._following.update(await self._orders.execute(history, command, guards=(lease.guard,)))
        except NotApplicable:
            self._following.update(history)
        except LandedAfterEnd as contradiction:
            await self._contradicted(lease, one, contradiction.kind, contradiction.detail)
            one.finalized = True
        except DomainError as refused:
            log.error("command refused", order_id=str(one.order_id), code=refused.code, reason=refused.detail)
        except LeaseLostError:
            raise
        except AWAY as away:
            log.warning("not recorded yet", order_id=str(one.order_id), error=type(away).__name__)
