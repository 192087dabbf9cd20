"""Waiting for an order's end, for a client that would rather have it in one answer."""

from __future__ import annotations

import asyncio
import time
from uuid import UUID

from api.callers.caller import Caller
from api.orders.lookup import stream_of
from api.services import Services
from event_store.errors import TRANSIENT_DATABASE_ERRORS
from projections.errors import FeedStoppedError, OrderUnknownError, SlowConsumerError
from projections.history import OrderState, fold_recorded


async def ended_within(services: Services, caller: Caller, order_id: UUID, seconds: float) -> OrderState | None:
    """The order as it ended; None where it hasn't within ``seconds``, or where nobody can tell."""
    grown = asyncio.Event()
    deadline = time.monotonic() + seconds
    try:
        follower = await services.live.follow(order_id, caller.account_id, after=0, events=False, wake=grown.set)
    except (FeedStoppedError, OrderUnknownError, *TRANSIENT_DATABASE_ERRORS):
        return None
    try:
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
            while True:
                grown.clear()
                while follower.next() is not None:
                    pass
                if follower.order.ended:
                    break
                await grown.wait()
    except (TimeoutError, SlowConsumerError):
        return None
    finally:
        services.live.leave(follower)
    return fold_recorded(services.mapper, await stream_of(services, caller, order_id))
