"""A watcher that stops records the best touches which the log doesn't have yet: the next one begins with them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from domain.errors import NotApplicableError
from domain.events import Observation
from event_store.errors import LeaseLostError
from event_store.processors.leases import Lease
from workers.errors import TRANSIENT_ERRORS
from workers.watcher.book_feed import BookFeed
from workers.watcher.price_effects import best_alone

log = structlog.get_logger(__name__)

PATIENCE_S = 1.0


async def record_last_bests(
    feed: BookFeed, orders: OrderRepository, lease: Lease, clock: Callable[[], datetime]
) -> None:
    """Within ``PATIENCE_S`` seconds, and nothing where the lease is lost; never raises what those servers raise."""
    bests = feed.book.trails.unrecorded()
    if not bests:
        return

    async def record(history: LoadedOrder, best: Observation) -> None:
        try:
            await orders.execute(history, best_alone(best, clock()), guards=(lease.guard,))
        except NotApplicableError:
            return

    try:
        async with asyncio.timeout(PATIENCE_S):
            loaded = await feed.load(list(bests))
            await asyncio.gather(*(record(history, bests[order_id]) for order_id, history in loaded.items()))
    except (LeaseLostError, *TRANSIENT_ERRORS) as error:
        log.warning("best prices were not recorded", orders=len(bests), error=type(error).__name__)
