"""Tells the landers' figures what became of each transaction, as the log records it."""

from __future__ import annotations

from collections.abc import Sequence

from chains.landed_shares import LandedShares
from domain import events as e
from event_store.mapper import UNREADABLE, EventMapper
from event_store.read.feed import LogFeed
from event_store.read.tail import Tail
from event_store.types import PositionedEvent
from workers.log_follower import follow_log

_ENDS = frozenset(
    one.TOPIC for one in (e.OrderConfirmed, e.AttemptRejected, e.AttemptExpired, e.OrderCancelled, e.OrderFailed)
)

# Figures can wait: so they cost less.
_GATHER_S = 0.25


class LanderOutcomes:
    """Follows ``log`` from where it is now; what this process handed over is what ``shares`` knows of."""

    def __init__(self, log: LogFeed, mapper: EventMapper, shares: LandedShares) -> None:
        self._log = log
        self._mapper = mapper
        self._shares = shares

    async def run(self) -> None:
        """Until cancelled."""
        tail = Tail(self._log.read, await self._log.begun(), wakes=self._log, gather=_GATHER_S)
        await follow_log(tail, self._apply, processor="landers")

    async def _apply(self, batch: Sequence[PositionedEvent]) -> None:
        for event in batch:
            if event.topic not in _ENDS:
                continue
            try:
                self._hear(self._mapper.load(event.topic, event.state))
            except UNREADABLE:
                continue  # of figures alone; the order's own readers say so

    def _hear(self, event: object) -> None:
        match event:
            case e.OrderConfirmed():
                self._shares.ended(event.tx_hash, landed=True)
            case e.AttemptRejected():
                self._shares.ended(event.signature, landed=True)
            case e.AttemptExpired():
                self._shares.ended(event.signature, landed=False)
            case e.OrderCancelled(evidence=cancel) | e.OrderFailed(evidence=cancel) if cancel:
                self._shares.ended(cancel.signature, landed=True)
