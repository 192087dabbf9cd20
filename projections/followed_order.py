"""An order that streams follow, in memory: folded once, each message made once, for all that follow it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from uuid import UUID

import structlog

from domain.order_event import BaseOrderEvent
from event_store.errors import PositionGapError, UnreadableEventError
from event_store.mapper import EventMapper
from event_store.types import PositionedEvent
from projections.errors import SlowConsumerError
from projections.history import OrderState, step
from projections.metrics import MESSAGES_MADE, TOO_SLOW
from projections.order_messages import OrderMessage, order_message

log = structlog.get_logger(__name__)


class FollowedOrder:
    """One order's messages of one kind: of every event, or of changes of status alone.

    The newest ``kept`` are in memory. Nobody has a queue of their own: a follower reads them from where it is, and one
    that is further behind than they reach has been too slow. ``fault`` is why nothing more comes after them.
    """

    def __init__(self, order_id: UUID, mapper: EventMapper, *, events: bool, kept: int) -> None:
        self.order_id = order_id
        self.account_id: UUID | None = None
        self.events = events
        self.version = 0
        self.fault: Exception | None = None
        # Who follows it or is about to: with nobody it may be forgotten.
        self.held = 0
        self._mapper = mapper
        self._kept = kept
        self._state: OrderState | None = None
        self._messages: deque[OrderMessage] = deque()
        self._early: list[PositionedEvent] = []
        self._followers: set[Follower] = set()

    @property
    def ended(self) -> bool:
        return self._state is not None and self._state.order.ended

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come: the order has ended, or there is a fault."""
        return self.ended or self.fault is not None

    def take(self, recorded: PositionedEvent) -> None:
        """The order's next event; one that is known already changes nothing. Never raises, never waits."""
        if self.fault or recorded.version <= self.version:
            return
        if recorded.version > self.version + 1:
            if self.version:
                self.end(PositionGapError(f"version {recorded.version} came after {self.version}"))
            else:  # what came before it is being read
                self._early.append(recorded)
            return
        if not self.version and self._mapper.is_anothers(recorded, BaseOrderEvent):
            return  # It is something else that has this id, and no order.
        self.account_id = recorded.account_id
        before = self._state
        try:
            event, self._state = step(self._mapper, before, recorded)
            message = order_message(before, self._state, event, events=self.events)
        except UnreadableEventError as unreadable:
            self.end(unreadable)
            return
        except Exception as error:
            # Of this order alone: the feed goes on to the others' events.
            log.error("no message can be made of an event", topic=recorded.topic, exc_info=error)
            self.end(error)
            return
        if message.text is not None:
            MESSAGES_MADE.inc()
        self._messages.append(message)
        if len(self._messages) > self._kept:
            self._messages.popleft()
        self.version = recorded.version
        for follower in tuple(self._followers):
            follower.notice(message)

    def take_history(self, recorded: Iterable[PositionedEvent]) -> None:
        """The order from its first event on, and then what came while it was read."""
        for event in recorded:
            self.take(event)
        early, self._early = self._early, []
        if self.version:
            for event in early:
                self.take(event)

    def end(self, fault: Exception) -> None:
        """Nothing more comes: followers get what there is, then ``fault``."""
        self.fault = self.fault or fault
        for follower in tuple(self._followers):
            follower.wake()

    @property
    def oldest(self) -> int:
        """The version of the oldest message in memory; the one to come while there is none."""
        return self._messages[0].version if self._messages else self.version + 1

    def message(self, version: int) -> OrderMessage | None:
        """That of ``version``, which is in memory; None while the order hasn't got so far."""
        return self._messages[version - self.oldest] if version <= self.version else None

    def messages(self, after: int) -> list[OrderMessage]:
        """Those in memory after a version."""
        return [message for message in self._messages if message.version > after]

    def join(self, follower: Follower) -> None:
        self._followers.add(follower)

    def leave(self, follower: Follower) -> None:
        self._followers.discard(follower)


class Follower:
    """One reader of an order's messages after a version.

    ``wake`` is called when there may be more, or nothing more will come. ``history`` are the first ones: as many as
    there are, for only what comes later can be too much for a reader.
    """

    __slots__ = ("_is_slow", "_version", "history", "order", "wake")

    def __init__(self, order: FollowedOrder, after: int, wake: Callable[[], None]) -> None:
        self.order = order
        self.wake = wake
        self.history = deque(order.messages(after))
        self._version = order.version
        self._is_slow = False
        order.join(self)

    def notice(self, message: OrderMessage) -> None:
        """The order has got ``message``. Never waits: one slow reader must not hold up the others."""
        if message.text is None and self._version == message.version - 1:
            self._version = message.version
            return
        if self._version < self.order.oldest - 1 and not self._is_slow:
            TOO_SLOW.inc()
            self._is_slow = True
        self.wake()

    def next(self) -> str | None:
        """The next message; None where it has to wait for one, or where the order has ended.

        Raises SlowConsumerError, or the order's fault after its last message.
        """
        while True:
            if self._is_slow:
                raise SlowConsumerError
            message = self.history.popleft() if self.history else self._following()
            if message is None:
                break
            if message.text is not None:
                return message.text
        if self.order.fault:
            # Of all followers: each traceback would stay on it.
            raise self.order.fault.with_traceback(None)
        return None

    def _following(self) -> OrderMessage | None:
        message = self.order.message(self._version + 1)
        if message is not None:
            self._version = message.version
        return message

    def leave(self) -> None:
        self.order.leave(self)
