"""Reclaims that may still land: sent, sent again, and followed until the chain says what became of them."""

from __future__ import annotations

import base64
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from chains.protocol import Chain, SignatureStatus
from chains.reclaim import ReclaimLanding
from commands.reclaims import Reclaims
from domain.reclaim import Reclaim, ReclaimEnd
from domain.reclaim_events import ReclaimExpired, ReclaimFailed, ReclaimLanded
from event_store.processors.leases import Lease
from workers.execution.sending import send
from workers.metrics import RECLAIMS, RENT_RETURNED
from workers.reclaim.guard_table import GuardTable

log = structlog.get_logger(__name__)

# In seconds: the same bytes again; and for how long one that closed its guards is looked for, before it is recorded
# without what no node shows any more.
SEND_AGAIN_S, LOOK_FOR_S = 1.0, 60.0
FEE_LAMPORTS = 10_000
"""What the network takes for the two signatures of a reclaim."""

Trades = Callable[[UUID], Awaitable[bool]]


@dataclass(slots=True)
class _Sent:
    """A reclaim on its way; times are seconds of the monotonic clock."""

    reclaim_id: UUID
    account_id: UUID
    reclaim: Reclaim
    next_send: float = 0.0
    gone_since: float | None = None
    signature: str = field(init=False)

    def __post_init__(self) -> None:
        self.signature = self.reclaim.built.signature


class SentReclaims:
    """Which reclaims those are the table says, and so the log."""

    def __init__(self, table: GuardTable, chain: Chain, reclaims: Reclaims, genesis_hash: str) -> None:
        self._table = table
        self._chain = chain
        self._reclaims = reclaims
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
            end = await self._end_of(one, status, height)
            if end is not None:
                await self._record(lease, one, end)
            elif status is None and one.reclaim.lands_until >= height and await trades(one.account_id):
                await self._send(one)

    async def _refresh(self) -> None:
        on_their_way = dict(await self._table.on_their_way())
        self._known = {reclaim_id: one for reclaim_id, one in self._known.items() if reclaim_id in on_their_way}
        for reclaim_id in on_their_way.keys() - self._known.keys():
            if reclaim := await self._reclaims.load(reclaim_id):
                self._known[reclaim_id] = _Sent(reclaim_id, on_their_way[reclaim_id], reclaim)

    async def _end_of(self, one: _Sent, status: SignatureStatus | None, height: int) -> ReclaimEnd | None:
        if status is not None:
            if status.commitment != "finalized":
                return None
            landing = await self._chain.reclaim_landing(one.signature, one.reclaim.built.wallet)
            return _landed(one.signature, landing) if landing else None
        return await self._unseen(one) if height > one.reclaim.lands_until else None

    async def _unseen(self, one: _Sent) -> ReclaimEnd | None:
        """No status shows it, past its time. Its guards tell: it closed all of them, or none."""
        if landing := await self._chain.reclaim_landing(one.signature, one.reclaim.built.wallet):
            return _landed(one.signature, landing)
        guards = [closing.guard for closing in one.reclaim.built.guards]
        seen = await self._chain.guards(self._genesis_hash, guards)
        if seen.there and seen.height > one.reclaim.lands_until:
            return ReclaimExpired(signature=one.signature, height=seen.height, guard=next(iter(seen.there)))
        if len(seen.gone) < len(guards):
            return None
        now = time.monotonic()
        one.gone_since = one.gone_since if one.gone_since is not None else now
        if now - one.gone_since < LOOK_FOR_S:
            return None
        built = one.reclaim.built
        return ReclaimLanded(
            signature=one.signature,
            slot=None,
            lamports=sum(closing.lamports for closing in built.guards),
            tokens=sum(closing.tokens for closing in built.guards),
            fee_lamports=FEE_LAMPORTS,
        )

    async def _send(self, one: _Sent) -> None:
        now = time.monotonic()
        if now >= one.next_send:
            one.next_send = now + SEND_AGAIN_S
            await send(self._chain, base64.b64decode(one.reclaim.built.transaction))

    async def _record(self, lease: Lease, one: _Sent, end: ReclaimEnd) -> None:
        await self._reclaims.record_end(one.account_id, one.reclaim_id, end, guards=(lease.guard,))
        self._known.pop(one.reclaim_id, None)
        outcome = {ReclaimLanded: "landed", ReclaimFailed: "failed", ReclaimExpired: "expired"}[type(end)]
        RECLAIMS.labels(outcome).inc()
        if isinstance(end, ReclaimLanded):
            RENT_RETURNED.inc(end.lamports)
        log.info("a reclaim has ended", reclaim=str(one.reclaim_id), outcome=outcome)


def _landed(signature: str, landing: ReclaimLanding) -> ReclaimEnd:
    if landing.error is None:
        return ReclaimLanded(
            signature=signature,
            slot=landing.slot,
            lamports=landing.lamports,
            tokens=landing.tokens,
            fee_lamports=landing.fee_lamports,
        )
    return ReclaimFailed(
        signature=signature,
        slot=landing.slot,
        code=landing.error.code,
        detail=landing.error.detail,
        fee_lamports=landing.fee_lamports,
    )
