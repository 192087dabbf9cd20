"""Reclaims that may still land: sent, sent again, and followed until the chain says what became of them."""

from __future__ import annotations

import base64
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from chains.protocol import Chain
from commands.foreign_reclaims import ForeignReclaims
from commands.reclaims import Reclaims
from domain.reclaim import Reclaim, ReclaimEnd
from domain.reclaim_events import ReclaimExpired, ReclaimFailed, ReclaimLanded
from event_store.processors.leases import Lease
from workers.execution.sending import send
from workers.metrics import DISAGREEMENTS, RECLAIMS, RENT_RETURNED
from workers.reclaim.guard_table import GuardTable
from workers.reclaim.outcome import IfItLasts, Undecided, outcome

log = structlog.get_logger(__name__)

# In seconds: the same bytes again; what became of it is asked again; and for how long one that too few endpoints
# show is looked for, before it is recorded as its guards and those few have it.
SEND_AGAIN_S, LOOK_AGAIN_S, LOOK_FOR_S = 1.0, 2.0, 60.0

Trades = Callable[[UUID], Awaitable[bool]]


@dataclass(slots=True)
class _Sent:
    """A reclaim on its way; times are seconds of the monotonic clock. ``said``: that nobody can tell is in the log."""

    reclaim_id: UUID
    account_id: UUID
    reclaim: Reclaim
    next_send: float = 0.0
    next_look: float = 0.0
    so_since: float | None = None
    said: bool = False
    signature: str = field(init=False)

    def __post_init__(self) -> None:
        self.signature = self.reclaim.built.signature


class SentReclaims:
    """Which reclaims those are the table says, and so the log."""

    def __init__(
        self,
        table: GuardTable,
        chain: Chain,
        reclaims: Reclaims,
        elsewhere: ForeignReclaims,
        genesis_hash: str,
    ) -> None:
        self._table = table
        self._chain = chain
        self._reclaims = reclaims
        self._elsewhere = elsewhere
        self._genesis_hash = genesis_hash
        self._known: dict[UUID, _Sent] = {}

    def __len__(self) -> int:
        return len(self._known)

    @property
    def any(self) -> bool:
        return bool(self._known)

    async def settle(self, lease: Lease, trades: Trades) -> None:
        """Record what became of each, and send those that no status shows, unless their account is halted."""
        await self._refresh()
        sent = list(self._known.values())
        if not sent:
            return
        height = await self._chain.block_height("finalized")
        old = any(one.reclaim.lands_until < height for one in sent)
        statuses = await self._chain.statuses([one.signature for one in sent], search_history=old)
        for one, status in zip(sent, statuses.found, strict=True):
            # Height and status are one endpoint's word: they say when to look, and when not to send.
            if one.reclaim.lands_until < height or (status is not None and status.commitment == "finalized"):
                await self._look(lease, one, trades)
            elif status is None and await trades(one.account_id):
                await self._send(one)

    async def _refresh(self) -> None:
        on_their_way = dict(await self._table.on_their_way())
        self._known = {reclaim_id: one for reclaim_id, one in self._known.items() if reclaim_id in on_their_way}
        for reclaim_id in on_their_way.keys() - self._known.keys():
            if reclaim := await self._reclaims.load(reclaim_id):
                self._known[reclaim_id] = _Sent(reclaim_id, on_their_way[reclaim_id], reclaim)

    async def _look(self, lease: Lease, one: _Sent, trades: Trades) -> None:
        """Ask what became of it, and record that where enough endpoints tell."""
        now = time.monotonic()
        if now < one.next_look:
            return
        one.next_look = now + LOOK_AGAIN_S
        built = one.reclaim.built
        shown = await self._chain.reclaim_shown(one.signature, built.wallet)
        # Too few may have shown the height when it was signed: each endpoint is asked of its blockhash, too.
        closing = [closing.guard for closing in built.guards]
        seen = await self._chain.guards(self._genesis_hash, closing, [built.blockhash])
        found = outcome(one.reclaim, shown, seen, await self._elsewhere.closed(one.account_id))
        await self._table.undecided(one.reclaim_id, found.reason if isinstance(found, Undecided) else None)
        match found:
            case ReclaimLanded() | ReclaimFailed() | ReclaimExpired():
                await self._record(lease, one, found)
            case IfItLasts(ReclaimLanded()) if not await trades(one.account_id):
                # What halts it may be a reclaim of elsewhere that closed them, and isn't recorded yet.
                one.so_since = None
            case IfItLasts(end):
                one.so_since = one.so_since if one.so_since is not None else now
                if now - one.so_since >= LOOK_FOR_S:
                    await self._record(lease, one, end)
            case Undecided():
                one.so_since = None
                self._say(one, found)
            case None:
                one.so_since = None

    @staticmethod
    def _say(one: _Sent, undecided: Undecided) -> None:
        """Once of each reclaim."""
        if one.said:
            return
        one.said = True
        for endpoint in undecided.disagreeing:
            DISAGREEMENTS.labels(endpoint).inc()
        log.warning("nobody can tell what became of a reclaim", reclaim=str(one.reclaim_id), reason=undecided.reason)

    async def _send(self, one: _Sent) -> None:
        now = time.monotonic()
        if now >= one.next_send:
            one.next_send = now + SEND_AGAIN_S
            await send(self._chain, base64.b64decode(one.reclaim.built.transaction))

    async def _record(self, lease: Lease, one: _Sent, end: ReclaimEnd) -> None:
        await self._reclaims.record_end(one.account_id, one.reclaim_id, end, guards=(lease.guard,))
        self._known.pop(one.reclaim_id, None)
        became = {ReclaimLanded: "landed", ReclaimFailed: "failed", ReclaimExpired: "expired"}[type(end)]
        RECLAIMS.labels(became).inc()
        if isinstance(end, ReclaimLanded):
            RENT_RETURNED.inc(end.lamports)
        log.info("a reclaim has ended", reclaim=str(one.reclaim_id), outcome=became)
