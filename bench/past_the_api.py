"""Orders recorded through the command side, and what the log says of them: for books too big to post."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

import psycopg

from commands.ids import DEFAULT_ACCOUNT
from commands.orders import OrderRepository
from commands.submit import submit_order
from domain.commands import SubmitOrder
from domain.events import ORDER_EVENTS, OrderTriggered
from domain.terms import OrderTerms
from domain.tokens import Pair, Side
from event_store.append.appender import Appender
from event_store.dsn import parse
from event_store.mapper import EventMapper
from event_store.pool import connection_pool
from event_store.read.log import Log

AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit order of a thousandth of a SOL, or as little of another token."""

    pair: Pair
    side: Side
    price: Decimal


async def record(database_url: str, wanted: list[Limit]) -> None:
    """Submit them all, in this order."""
    appender = Appender(database_url)
    await appender.start()
    async with connection_pool(database_url) as pool:
        orders = OrderRepository(Log(pool), appender, EventMapper(ORDER_EVENTS))
        for start in range(0, len(wanted), AT_ONCE):
            batch = wanted[start : start + AT_ONCE]
            await asyncio.gather(*(submit_order(orders, DEFAULT_ACCOUNT, _order(order)) for order in batch))
    await appender.stop()


def fired(database_url: str) -> list[float]:
    """Milliseconds from each trigger's observation to its record."""
    mapper = EventMapper(ORDER_EVENTS)
    with psycopg.connect(parse(database_url).conninfo, autocommit=True) as connection:
        rows = connection.execute(
            "select state, recorded_at from events where topic = %s", (OrderTriggered.TOPIC,)
        ).fetchall()
    times = []
    for state, recorded_at in rows:
        event = mapper.load(OrderTriggered.TOPIC, bytes(state))
        if isinstance(event, OrderTriggered) and event.observation:
            times.append((recorded_at - event.observation.observed_at).total_seconds() * 1_000)
    return times


def _order(order: Limit) -> SubmitOrder:
    sells = order.side == "sell"
    terms = OrderTerms(
        type="limit",
        token_in=order.pair.base if sells else order.pair.quote,
        token_out=order.pair.quote if sells else order.pair.base,
        amount_in=10**6,
        slippage_bps=50,
        slippage_defaulted=True,
        limit_price=order.price,
        client_order_id=uuid4().hex,
    )
    return SubmitOrder(terms, deadline=None, network="localnet")
