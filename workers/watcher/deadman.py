"""Watches the dead-man's switches: from its instant on an account's waiting orders are held, until all that it has open
is cancelled or asked to be.

It runs beside the watcher, under its lease, so that after a time without an engine nothing triggers before that.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from datetime import datetime
from uuid import UUID

import structlog

from commands.cancel import cancel_outcome, request_cancel
from commands.deadman import DEADMAN_TOPICS, DeadmanSwitches
from commands.errors import TooManyConflictsError
from commands.orders import OrderRepository
from commands.trading import TradingStates
from domain.deadman import Deadman
from domain.deadman_events import DeadmanFinished
from domain.errors import DomainError
from event_store.errors import UnreadableEventError
from event_store.processors.leases import Lease
from event_store.types import PositionedEvent
from workers.errors import TRANSIENT_ERRORS, error_code

log = structlog.get_logger(__name__)

BY = "the dead-man's switch"
# Seconds: how late a switch may be looked at, by a clock that is stepped too, and until one that failed is tried again.
LOOK_S, AGAIN_S = 0.1, 0.5
# So many cancels are under way at a time: they share their appends.
AT_ONCE = 300


class DeadmanWatch:
    """``stop_lists`` ends what would submit more orders of an account, for the reason that is given, and gives what of
    it can't be read; ``open_orders`` its orders that have not ended; ``accounts`` whose switches there may be. On
    ``paper`` no chain knows of the orders.
    """

    def __init__(
        self,
        switches: DeadmanSwitches,
        orders: OrderRepository,
        trading: TradingStates,
        *,
        stop_lists: Callable[[UUID, str], Awaitable[Sequence[UUID]]],
        open_orders: Callable[[UUID], Awaitable[Sequence[UUID]]],
        accounts: Callable[[], Iterable[UUID]],
        clock: Callable[[], datetime],
        paper: bool = False,
    ) -> None:
        self._switches = switches
        self._orders = orders
        self._trading = trading
        self._stop_lists = stop_lists
        self._open_orders = open_orders
        self._accounts = accounts
        self._clock = clock
        self._paper = paper
        self._known: dict[UUID, Deadman] = {}
        # By account, the version of its switch that can't be read.
        self._unreadable: dict[UUID, int] = {}

    async def restore(self) -> None:
        """Read every switch from the log."""
        for account_id in self._accounts():
            try:
                self._learn(account_id, await self._switches.of(account_id))
            except UnreadableEventError as unreadable:
                self._hold(account_id, unreadable)

    def apply(self, batch: Iterable[PositionedEvent]) -> None:
        """Learn of the switches that a batch of events sets."""
        for event in batch:
            if event.topic in DEADMAN_TOPICS:
                try:
                    self._learn(event.account_id, self._switches.read(event))
                except UnreadableEventError as unreadable:
                    self._hold(event.account_id, unreadable)

    def held(self) -> frozenset[UUID]:
        """The accounts nothing of which may be triggered now: their switch is due, or can't be read."""
        return self.due() | frozenset(self._unreadable)

    def due(self) -> frozenset[UUID]:
        """The accounts whose switch is to fire now, or is firing."""
        now = self._clock()
        return frozenset(account_id for account_id, switch in self._known.items() if switch.is_due(now))

    async def run(self, lease: Lease) -> None:
        """Fire what is due, until cancelled. Raises ``LeaseLostError``."""
        while True:
            await asyncio.gather(*(self._try(account_id, lease) for account_id in self.due()))
            await asyncio.sleep(LOOK_S)

    async def _try(self, account_id: UUID, lease: Lease) -> None:
        try:
            await self._fire(account_id, lease)
        except UnreadableEventError as unreadable:
            self._hold(account_id, unreadable)
        except (*TRANSIENT_ERRORS, DomainError, TooManyConflictsError) as error:
            log.warning("a dead-man's switch waits", account_id=str(account_id), error=type(error).__name__)
            await asyncio.sleep(AGAIN_S)

    async def _fire(self, account_id: UUID, lease: Lease) -> None:
        if (await self._trading.of(account_id)).behind:
            return
        if not self._paper and not await self._trading.compared.of(account_id):
            return  # The log may have lost that its client was alive, and what became of its orders.
        switch = await self._switches.fire(account_id, self._clock(), (lease.guard,))
        self._learn(account_id, switch)
        if switch.state != "firing" or switch.cancel_at is None:
            return
        counts: Counter[str] = Counter()
        because = f"no sign of life by {switch.cancel_at.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}"
        # First: what they have submitted by then is among the open orders.
        counts["refused"] += len(await self._stop_lists(account_id, because))
        open_orders = await self._open_orders(account_id)
        for start in range(0, len(open_orders), AT_ONCE):
            some = open_orders[start : start + AT_ONCE]
            counts.update(await asyncio.gather(*(self._cancel(order_id, because) for order_id in some)))
        counts.update(await self._cancelled_before(account_id, because, set(open_orders)))
        finished = DeadmanFinished(
            cancel_at=switch.cancel_at,
            cancelled=counts["cancelled"],
            pending=counts["pending"],
            too_late=counts["tooLate"],
            refused=counts["refused"],
        )
        self._learn(account_id, await self._switches.finish(account_id, finished, (lease.guard,)))
        log.warning("a dead-man's switch has fired", account_id=str(account_id), **counts)

    async def _cancelled_before(self, account_id: UUID, because: str, but: Container[UUID]) -> list[str]:
        """What became of the orders, ``but`` those, whose cancel was asked for by this firing already: by a process
        that didn't come to its end, or as slices of a list that was stopped.
        """
        asked = [one for one in await self._switches.cancels_since_fired(account_id) if one not in but]
        became: list[str] = []
        for start in range(0, len(asked), AT_ONCE):
            for history in (await self._orders.load(asked[start : start + AT_ONCE])).orders.values():
                order = history.order
                if order and order.cancellation and because in (order.cancellation.because or ""):
                    became.append(cancel_outcome(order))
        return became

    async def _cancel(self, order_id: UUID, because: str) -> str:
        """What became of it. Raises ``DomainError`` where the log is behind or may be, and what is transient."""
        try:
            history = await request_cancel(self._orders, self._trading, order_id, by=BY, because=because)
        except (DomainError, TooManyConflictsError, UnreadableEventError) as refused:
            if error_code(refused) in ("log_behind", "account_unreadable", "history_not_compared"):
                raise
            log.warning("an order isn't cancelled", order_id=str(order_id), error=error_code(refused))
            return "refused"
        return cancel_outcome(history.order) if history.order else "refused"

    def _hold(self, account_id: UUID, unreadable: UnreadableEventError) -> None:
        """Another version may have recorded it: nobody here knows when the account's orders are to be cancelled."""
        version = unreadable.recorded.version
        if max(self._unreadable.get(account_id, 0), self._version(account_id)) >= version:
            return
        self._unreadable[account_id] = version
        self._known.pop(account_id, None)
        log.error("a dead-man's switch can't be read", account_id=str(account_id), error=str(unreadable))

    def _learn(self, account_id: UUID, switch: Deadman) -> None:
        # A read may be older than what the log's tail has told since.
        if max(self._unreadable.get(account_id, 0), self._version(account_id)) < switch.version:
            self._unreadable.pop(account_id, None)
            self._known[account_id] = switch

    def _version(self, account_id: UUID) -> int:
        known = self._known.get(account_id)
        return known.version if known else 0
