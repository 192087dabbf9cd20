"""The reclaimer: closes the guards of orders long ended, so that their rent comes back. One runs at a time.

It follows the log, and so knows after any crash which reclaims may still land: each is recorded before it is sent. It
sleeps until a guard is due, or the log grows.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from chains.guard import GuardKey
from chains.protocol import Chain
from chains.signer import Signer
from commands.accounts import Accounts
from commands.errors import GuardFailedError
from commands.foreign_reclaims import ForeignReclaims
from commands.orders import Guards, OrderRepository
from commands.reclaims import Reclaims
from commands.trading import TradingStates
from domain.account import ContradictionFound
from domain.reclaim import MOST_GUARDS, batches
from event_store.mapper import EventMapper
from event_store.processors.leases import Lease
from event_store.read.feed import LogFeed
from event_store.read.log import Log
from workers.errors import TRANSIENT_ERRORS
from workers.metrics import CONTRADICTIONS
from workers.reclaim.candidates import Candidates
from workers.reclaim.guard_changes import guard_changes
from workers.reclaim.guard_table import GuardRow, GuardTable, Postponed
from workers.reclaim.reclaim_maker import ReclaimMaker
from workers.reclaim.sent_reclaims import SentReclaims
from workers.signers import AccountSigner, SignerOf

log = structlog.get_logger(__name__)

RECLAIM = "reclaim"
"""The processor, under whose lease it runs."""

# In seconds: the least between two passes, the longest sleep, and for how long it waits after an outage and while
# something in the wallet's history is unknown.
LEAST_S, LONGEST_S, AGAIN_S, UNKNOWN_S = 1.0, 3_600.0, 2.0, 30.0
LONGEST_GATHERING = timedelta(minutes=1)
DUE_AT_ONCE = 200
MOST_ON_THEIR_WAY = 16
EVENTS_AT_ONCE = 1_000

HistoryCheck = Callable[[UUID], Awaitable[str | None]]
"""Says what in the history of an account's wallet the log doesn't know, a sentence; None where there is nothing."""


def _nobody(account_id: UUID) -> AccountSigner | None:
    return None


@dataclass(frozen=True, slots=True)
class ReclaimContext:
    """What the reclaimer works with: ``wallet`` is that of ``account_id``, ``others`` knows those of other accounts.

    While ``unknown_history`` names something of an account no guard of it is closed.
    """

    table: GuardTable
    log: Log
    feed: LogFeed
    mapper: EventMapper
    orders: OrderRepository
    accounts: Accounts
    reclaims: Reclaims
    elsewhere: ForeignReclaims
    trading: TradingStates
    chain: Chain
    account_id: UUID
    wallet: Signer
    guard_key: GuardKey
    genesis_hash: str
    unknown_history: HistoryCheck
    others: SignerOf = _nobody


class Reclaimer:
    """Runs under ``lease`` (processor ``reclaim``) until it is cancelled or the lease is lost."""

    def __init__(self, context: ReclaimContext, *, least: float = LEAST_S) -> None:
        self._context = context
        self._least = least
        self._sent = SentReclaims(
            context.table, context.chain, context.reclaims, context.elsewhere, context.genesis_hash
        )
        self._position = self._written = 0

    async def run(self, lease: Lease) -> None:
        await self._context.feed.begun()
        self._position = self._written = await self._context.table.position(RECLAIM)
        grown = self._context.feed.subscribe()
        while True:
            grown.clear()
            begun = time.monotonic()
            try:
                pause = await self._pass(lease)
            except TRANSIENT_ERRORS as error:
                log.warning("rents come back later", error=type(error).__name__, reason=str(error)[:200])
                pause = AGAIN_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await grown.wait()
            await asyncio.sleep(max(0.0, begun + self._least - time.monotonic()))

    async def _pass(self, lease: Lease) -> float:
        """Do what can be done now; returns in how many seconds there may be more."""
        await self._follow(lease)
        waits = await self._close_due(lease)
        await self._follow(lease)
        await self._sent.settle(lease, self._trades)
        await self._follow(lease)
        return self._least if self._sent.any else waits

    async def _follow(self, lease: Lease) -> None:
        """Bring the table up to the end of the log, as this process knows it."""
        while events := await self._context.feed.read(self._position, EVENTS_AT_ONCE):
            changes = guard_changes(self._context.mapper, events)
            upto = events[-1].position
            # Most events concern no guard: who starts reads some of them again.
            if changes or upto - self._written >= EVENTS_AT_ONCE:
                await self._context.table.write(lease, changes, self._written, upto)
                self._written = upto
            # Only now: what couldn't be written is read once more.
            self._position = upto

    async def _close_due(self, lease: Lease) -> float:
        """Begin to close what is due; returns in how many seconds something else will be."""
        table, room = self._context.table, MOST_ON_THEIR_WAY - len(self._sent)
        rows = await table.due(DUE_AT_ONCE) if room > 0 else []
        if rows:
            if (gathers := await self._gathers(rows)) > 0:
                return max(gathers, self._least)
            by_account: dict[UUID, list[GuardRow]] = {}
            for row in rows:
                by_account.setdefault(row.account_id, []).append(row)
            traded = {account_id: await self._close(lease, account_id, of_it, room)
                      for account_id, of_it in by_account.items()}  # fmt: skip
            if len(rows) == DUE_AT_ONCE:
                # Others may stand behind those that nothing can be done with.
                await self._let_pass([row for row in rows if not traded[row.account_id]])
            elif not any(traded.values()):
                return UNKNOWN_S
        due = await table.next_due()
        return LONGEST_S if due is None else min(max(due, self._least), LONGEST_S)

    async def _let_pass(self, rows: Sequence[GuardRow]) -> None:
        table = self._context.table
        until = await table.now() + timedelta(seconds=UNKNOWN_S)
        waits = "its account is halted, or its wallet or that one's history isn't known here"
        await table.postpone([Postponed(row.order_id, row.since, until, waits) for row in rows])

    async def _gathers(self, rows: Sequence[GuardRow]) -> float:
        """For how many seconds those that are due wait for more: a reclaim of many costs as much as one of a few."""
        table = self._context.table
        if len(rows) >= MOST_GUARDS:
            return 0.0
        waited = await table.now() - table.keep - min(row.since for row in rows)
        return (min(table.keep / 10, LONGEST_GATHERING) - waited).total_seconds()

    async def _close(self, lease: Lease, account_id: UUID, rows: Sequence[GuardRow], room: int) -> bool:
        """Begin to close an account's guards, in as many reclaims as there is ``room``; False where it is halted,
        something in its wallet's history is unknown, or its wallet isn't known here.
        """
        context = self._context
        trading = await context.trading.of(account_id)
        if trading.halted:
            return False
        if unknown := await context.unknown_history(account_id):
            log.warning("no rent comes back", account_id=str(account_id), reason=unknown)
            return False
        signer = self._signer(account_id)
        if signer is None:
            return False
        judged = await self._candidates(signer).judge(account_id, rows, context.genesis_hash)
        await context.table.postpone(judged.postponed)
        await context.table.drop(judged.dropped)
        for found in judged.vanished:
            await self._report(lease, account_id, found)
        if judged.vanished:
            return True
        closable = judged.closable
        guards: Guards = (lease.guard, *context.trading.guards(account_id, trading))
        maker = ReclaimMaker(context.chain, signer.wallet, signer.guard_key, context.reclaims, context.genesis_hash)
        for batch in batches([one.largest for one in closable])[:room]:
            try:
                refused = await maker.make(account_id, [closable[index] for index in batch], guards)
            except GuardFailedError:
                # It was halted, or resumed, meanwhile.
                context.trading.forget(account_id)
                return False
            await context.table.postpone(refused)
        return True

    def _signer(self, account_id: UUID) -> AccountSigner | None:
        context = self._context
        own = AccountSigner(context.wallet, context.guard_key)
        return own if account_id == context.account_id else context.others(account_id)

    def _candidates(self, signer: AccountSigner) -> Candidates:
        context = self._context
        return Candidates(
            context.table,
            context.log,
            context.orders,
            context.elsewhere,
            context.chain,
            wallet=signer.wallet.address,
            guard_key=signer.guard_key,
        )

    async def _trades(self, account_id: UUID) -> bool:
        return not (await self._context.trading.of(account_id)).halted

    async def _report(self, lease: Lease, account_id: UUID, found: ContradictionFound) -> None:
        """Halt the account for a guard that somebody else closed, unless its swap is known to be lost."""
        known = await self._context.accounts.contradictions(account_id)
        if any((one.kind, one.signature) == ("confirmed_lost", found.signature) for one in known):
            return
        if await self._context.accounts.contradict(account_id, found, guards=(lease.guard,)):
            CONTRADICTIONS.inc()
            log.critical("a guard was closed by somebody else; trading halted", order_id=str(found.order_id))
