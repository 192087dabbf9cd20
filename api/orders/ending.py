"""Waiting for an order's end, for a client that would rather have it in one answer."""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog
from litestar.types import Receive

from api.callers.caller import Caller
from api.orders.as_it_is import as_it_is
from api.orders.lookup import stream_of
from api.services import Services
from event_store.errors import TRANSIENT_DATABASE_ERRORS, UnreadableEventError
from projections.errors import FeedStoppedError, OrderUnknownError, SlowConsumerError
from projections.history import fold_recorded
from projections.order_view import OrderView

log = structlog.get_logger(__name__)

_UNTOLD = (
    *(SlowConsumerError, FeedStoppedError, OrderUnknownError, UnreadableEventError),
    *TRANSIENT_DATABASE_ERRORS,
)


async def ended_within(
    services: Services, caller: Caller, order_id: UUID, seconds: float, receive: Receive
) -> OrderView | None:
    """The order as it ended; None where it hasn't within ``seconds``, where nobody can tell, or where the client has
    left, of which the ASGI ``receive`` of its request tells: nobody waits any more, and the order goes on.

    Raises nothing: the order was taken, and whatever goes wrong here, its client is to hear that.
    """
    ending = asyncio.create_task(_ended(services, caller, order_id))
    leaving = asyncio.create_task(_left(receive))
    try:
        done, _ = await asyncio.wait({ending, leaving}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return ending.result() if ending in done else None
    except _UNTOLD:
        return None
    except Exception as error:
        log.error("nobody can tell whether an order has ended", order_id=str(order_id), exc_info=error)
        return None
    finally:
        ending.cancel()
        leaving.cancel()
        await asyncio.gather(ending, leaving, return_exceptions=True)


async def _left(receive: Receive) -> None:
    """Until the client of a request whose body is read has left."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _ended(services: Services, caller: Caller, order_id: UUID) -> OrderView | None:
    grown = asyncio.Event()
    follower = await services.live.follow(order_id, caller.account_id, after=0, events=False, wake=grown.set)
    try:
        while True:
            grown.clear()
            while follower.next() is not None:
                pass
            if follower.order.ended:
                break
            await grown.wait()
    finally:
        services.live.leave(follower)
    state = fold_recorded(services.mapper, await stream_of(services, caller, order_id))
    return None if state is None else await as_it_is(services, caller, state)
