"""Keeps the book in step with the log: read from it at the start, then changed by its tail.

A watcher that stands by keeps a book of its own, and so is ready at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from commands.loaded_order import LoadedOrder
from commands.orders import OrderRepository
from domain import events as e
from event_store.read.log import Log
from event_store.statements import statement
from event_store.types import PositionedEvent
from workers.dead_letters import DeadLetterQueue
from workers.dispatch.work import Pool
from workers.metrics import BOOK_ORDERS
from workers.watcher.book import Book
from workers.watcher.waiting_order import waiting_order_of

WATCHER = "watcher"
# After these events an order waits for a price; after any other it doesn't.
WAITING = frozenset(
    event.TOPIC
    for event in (e.OrderSubmitted, e.TrailMoved, e.StopTriggered, e.OrderRested, e.OrderAmended, e.OrderReleased)
)
ORDERS_A_LOAD = 2_000
_WAITING_ORDERS = statement(__file__, "waiting_orders")


class BookFeed:
    """Puts orders into ``book`` and takes them out. Its dead letters are not in the book."""

    def __init__(self, pool: Pool, events: Log, orders: OrderRepository, book: Book) -> None:
        self._pool = pool
        self._dead: frozenset[UUID] = frozenset()
        self.dead_letters = DeadLetterQueue(pool, WATCHER)
        self._events = events
        self._orders = orders
        self.book = book

    async def restore(self) -> int:
        """Fill the book with every order that waits for a price; returns the position to read on from."""
        self._dead = await self.dead_letters.refresh()
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_WAITING_ORDERS, {"topics": list(WAITING)})
            rows = await cursor.fetchall()
        after = int(rows[0][0])
        order_ids = [order_id for _, order_id in rows if order_id is not None]
        for start in range(0, len(order_ids), ORDERS_A_LOAD):
            await self.load(order_ids[start : start + ORDERS_A_LOAD])
        BOOK_ORDERS.set(len(self.book))
        return after

    async def apply(self, batch: Iterable[PositionedEvent]) -> None:
        """Bring the book up to date with a batch of events: who begins to wait comes in, who went on leaves."""
        newest: dict[UUID, PositionedEvent] = {event.stream_id: event for event in batch}
        for order_id, event in newest.items():
            if event.topic not in WAITING:
                self.book.take(order_id)
        await self.load([order_id for order_id, event in newest.items() if event.topic in WAITING])
        BOOK_ORDERS.set(len(self.book))

    async def follow_dead_letters(self) -> None:
        """Take out orders that became dead letters, in any process, and put back those that are none any more."""
        before, self._dead = self._dead, await self.dead_letters.refresh()
        for order_id in self._dead:
            self.book.take(order_id)
        await self.load(list(before - self._dead))
        BOOK_ORDERS.set(len(self.book))

    async def load(self, order_ids: Sequence[UUID]) -> dict[UUID, LoadedOrder]:
        """Read the orders and place each; returns those that can be read."""
        if not order_ids:
            return {}
        loaded = await self._orders.load(order_ids)
        for order_id, error in loaded.unreadable.items():
            await self.dead_letters.add_unreadable(order_id, error)
            self.book.take(order_id)
        for history in loaded.orders.values():
            self.place(history)
        return loaded.orders

    def place(self, history: LoadedOrder) -> None:
        """Put the order into the book if it waits for a price, or is held and expires; else take it out. An older
        history changes nothing.
        """
        if history.version < self.book.version_of(history.order_id):
            return
        order = history.order
        waits = waiting_order_of(history.order_id, history.queued_position, history.version, order) if order else None
        if history.order_id in self._dead or order is None:
            self.book.take(history.order_id)
        elif waits:
            self.book.put(waits)
        elif order.is_held and not order.ended and order.expires_at is not None:
            self.book.hold(history.order_id, history.version, order.expires_at)
        else:
            self.book.take(history.order_id)
