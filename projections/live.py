"""The live feed of one process: one tail of the log, fanned out to whoever follows an order.

It needs neither projector nor Valkey: without a wake the tail polls. While PostgreSQL is unreachable the tail
waits, and goes on from its position.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

from event_store.mapper import EventMapper
from event_store.read.feed import LogFeed
from event_store.read.tail import Tail
from event_store.types import PositionedEvent
from projections.errors import FeedStoppedError, OrderUnknownError, VersionAheadError
from projections.followed_order import FollowedOrder, Follower
from projections.metrics import FOLLOWED, LIVE_POSITION, SUBSCRIPTIONS
from projections.order_messages import OrderMessage

BATCH = 1_000
# So many orders stay in memory that nobody follows at the moment and that haven't ended: clients come back.
UNFOLLOWED = 1_000

_Key = tuple[UUID, bool]


class LoadStream(Protocol):
    """``Log.load``."""

    async def __call__(self, stream_id: UUID, *, upto: int | None = None) -> Sequence[PositionedEvent]: ...


class LiveFeed:
    """``run`` is the tail, for the life of the process; ``capacity`` is how many events may wait for a follower."""

    def __init__(
        self,
        feed: LogFeed,
        load: LoadStream,
        mapper: EventMapper,
        *,
        capacity: int = 256,
        patience: float = 2.0,
        unfollowed: int = UNFOLLOWED,
    ) -> None:
        self._feed = feed
        self._load = load
        self._mapper = mapper
        self._capacity = capacity
        self._patience = patience
        self._most_unfollowed = unfollowed
        self._begun = asyncio.Event()
        self._orders: dict[_Key, FollowedOrder] = {}
        self._unfollowed: dict[_Key, None] = {}
        self._loading: dict[UUID, asyncio.Future[Sequence[PositionedEvent]]] = {}

    @property
    def running(self) -> bool:
        return self._begun.is_set()

    async def run(self) -> None:
        """From the log's head at start. Ends only by cancellation, or by a log that isn't contiguous."""
        after = await self._feed.begun()
        # What is committed from here on comes by the tail, so whoever follows now and then reads misses nothing.
        self._begun.set()
        LIVE_POSITION.set(after)
        try:
            async for batch in Tail(self._feed.read, after, limit=BATCH, wakes=self._feed):
                # Where nobody follows an order, nobody is looked for.
                for event in batch if self._orders else ():
                    for events in (False, True):
                        order = self._orders.get((event.stream_id, events))
                        if order is not None:
                            order.take(event)
                            self._settle(order)
                LIVE_POSITION.set(batch[-1].position)
        finally:
            self._begun.clear()
            for order in tuple(self._orders.values()):
                if not order.ended:
                    order.end(FeedStoppedError())
                self._settle(order)

    async def follow(
        self, order_id: UUID, account_id: UUID, *, after: int, events: bool, wake: Callable[[], None]
    ) -> Follower:
        """The messages of an account's order after a version, of all events or of changes of status; see ``leave``.

        Raises FeedStoppedError, OrderUnknownError, VersionAheadError, UnreadableEventError and psycopg's errors.
        """
        try:
            # Not by wait_for: before Python 3.12 it may swallow the cancel of who asked, who then waits for ever.
            async with asyncio.timeout(self._patience):
                await self._begun.wait()
        except TimeoutError:
            raise FeedStoppedError from None
        order = self._hold(order_id, events=events)
        follower = None
        try:
            await self._know(order, after)
            self._require(order, account_id, after)
            follower = Follower(order, after, wake)
            if after + 1 < order.oldest:
                follower.history.extendleft(reversed(await self._older(order, after)))
        except BaseException:
            if follower:
                follower.leave()
            self._release(order)
            raise
        SUBSCRIPTIONS.inc()
        return follower

    def leave(self, follower: Follower) -> None:
        """Once for each that ``follow`` gave."""
        SUBSCRIPTIONS.dec()
        follower.leave()
        self._release(follower.order)

    async def _know(self, order: FollowedOrder, after: int) -> None:
        """Fold the order as far as this process knows the log, or as the log does: first its own memory is asked."""
        if not order.version:
            order.take_history(self._feed.recent(order.order_id) or await self._loaded(order.order_id))
        if order.version and not order.is_over and after > order.version:
            # A client may have heard of it by another process, whose feed is ahead of this one's.
            order.take_history(await self._load(order.order_id))
        self._settle(order)

    def _require(self, order: FollowedOrder, account_id: UUID, after: int) -> None:
        if order.account_id is None and order.fault:
            raise order.fault.with_traceback(None)
        if order.account_id != account_id:
            raise OrderUnknownError
        if after > order.version and not order.is_over:
            raise VersionAheadError(order.version)

    async def _older(self, order: FollowedOrder, after: int) -> list[OrderMessage]:
        """The messages that are in memory no more."""
        recorded = await self._load(order.order_id, upto=order.oldest - 1)
        older = FollowedOrder(order.order_id, self._mapper, events=order.events, kept=len(recorded))
        older.take_history(recorded)
        if older.fault:
            raise older.fault
        return older.messages(after)

    async def _loaded(self, order_id: UUID) -> Sequence[PositionedEvent]:
        """The stream, read once for all that ask meanwhile; it is read on when one of them goes."""
        loading = self._loading.get(order_id)
        if loading is None:
            loading = self._loading[order_id] = asyncio.ensure_future(self._load(order_id))
            loading.add_done_callback(lambda done: self._read(order_id, done))
        return await asyncio.shield(loading)

    def _read(self, order_id: UUID, done: asyncio.Future[Sequence[PositionedEvent]]) -> None:
        del self._loading[order_id]
        if not done.cancelled():
            done.exception()  # whoever still waits for it has it, too

    def _hold(self, order_id: UUID, *, events: bool) -> FollowedOrder:
        order = self._orders.get((order_id, events))
        if order is None:
            order = FollowedOrder(order_id, self._mapper, events=events, kept=self._capacity)
            self._orders[order_id, events] = order
        order.held += 1
        self._unfollowed.pop((order_id, events), None)
        return order

    def _release(self, order: FollowedOrder) -> None:
        order.held -= 1
        self._settle(order)

    def _settle(self, order: FollowedOrder) -> None:
        """Forget the order if nothing comes of it any more, or nobody has followed it for longest."""
        key = order.order_id, order.events
        if self._orders.get(key) is not order:
            return
        if order.fault or (not order.held and (order.ended or not order.version)):
            self._forget(key)
        elif not order.held:
            self._unfollowed[key] = None
            if len(self._unfollowed) > self._most_unfollowed:
                self._forget(next(iter(self._unfollowed)))
        FOLLOWED.set(len(self._orders))

    def _forget(self, key: _Key) -> None:
        del self._orders[key]
        self._unfollowed.pop(key, None)
