"""Orders that are good till a date: one that waits for its price, or for the first order of its list, is cancelled when
that has come, price or no price.

What is being executed then is ended by its visit. Each append carries the watcher's lease.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import structlog

from commands.errors import GuardFailedError
from commands.history_compared import may_be_changed
from commands.loaded_order import LoadedOrder
from commands.orders import Guards, OrderRepository
from commands.trading import TradingStates
from domain.codes import Code
from domain.commands import RequestCancel
from domain.errors import NotApplicableError
from domain.time_in_force import is_expired
from event_store.errors import LeaseLostError
from event_store.processors.leases import Lease
from workers.errors import TRANSIENT_ERRORS
from workers.metrics import EXPIRED_ORDERS
from workers.watcher.book_feed import BookFeed

log = structlog.get_logger(__name__)

ORDERS_AT_ONCE = 300


class Expiry:
    """``clock`` gives the log's time, UTC; ``every`` is how often it is looked at, in seconds."""

    def __init__(
        self,
        feed: BookFeed,
        orders: OrderRepository,
        trading: TradingStates,
        clock: Callable[[], datetime],
        *,
        every: float = 0.1,
    ) -> None:
        self._feed = feed
        self._orders = orders
        self._trading = trading
        self._clock = clock
        self._every = every

    async def run(self, lease: Lease) -> None:
        """Cancel what expires until the lease is lost or it is cancelled."""
        while True:
            due = self._feed.book.expired(self._clock())
            for start in range(0, len(due), ORDERS_AT_ONCE):
                try:
                    await self._cancel(lease, due[start : start + ORDERS_AT_ONCE])
                except TRANSIENT_ERRORS as error:
                    log.warning("orders expire later", error=type(error).__name__)
            await asyncio.sleep(self._every)

    async def _cancel(self, lease: Lease, order_ids: Sequence[UUID]) -> None:
        loaded = await self._feed.load(order_ids)
        await asyncio.gather(*(self._cancel_one(lease, history) for history in loaded.values()))

    async def _cancel_one(self, lease: Lease, history: LoadedOrder) -> None:
        order = history.order
        if order is None or not (order.waits_for_price or order.is_held) or not is_expired(order, self._clock()):
            return
        trading = await self._trading.of(history.account_id)
        if trading.behind or not await may_be_changed(self._trading.compared, history):
            return  # In what the log lost, or may have, the order may have been executed.
        guards: Guards = (lease.guard, *self._trading.guards(history.account_id, trading))
        try:
            # Not decided again: whoever was first may have given it a later end.
            after = await self._orders.execute(history, RequestCancel(Code.EXPIRED), guards=guards, decide_again=False)
        except NotApplicableError:
            return
        except GuardFailedError:
            self._trading.forget(history.account_id)
        except LeaseLostError:
            raise
        except TRANSIENT_ERRORS as error:
            log.warning("not expired yet", order_id=str(history.order_id), error=type(error).__name__)
        else:
            EXPIRED_ORDERS.inc()
            self._feed.place(after)
